/* tests/unit/core/keys.h - keys for tests: made once a run, since nothing may depend on their value. */
#pragma once
#include <openssl/evp.h>

#include "core/keyset.h"

/* A private key that fits the algorithm, bound to it. One per algorithm and run; never freed by the caller.
 */
const struct gh_key *test_key(enum gh_alg alg, const char *kid);
void test_keys_free(void);
