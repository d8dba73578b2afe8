/* core/cleanup.h - release at the end of the scope: `gh_auto(gh_arena_freep) struct gh_arena *a = …`. */
#pragma once

#define gh_auto(fn) __attribute__((cleanup(fn)))

/* Makes the `p` twin of a foreign free function, which must take NULL: GH_DEFINE_FREEP(EVP_PKEY,
 * EVP_PKEY_free). */
#define GH_DEFINE_FREEP(type, fn)                                                                            \
    static inline void type##_freep(type **p) {                                                              \
        fn(*p);                                                                                              \
    }
