#include "core/b64url.h"
#include "core/jws.h"
#include "core/limits.h"
#include "fuzz/fuzz.h"

/* Three parts that make up the whole text, in their only spelling; a header that names an algorithm of ours
 * and a kid within the limit. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 18);
    struct gh_str text = { (const char *)data, size }, again;
    struct gh_jws jws;
    struct gh_jws_header header;

    if (gh_jws_split(a, text, &jws) != GH_OK)
        return 0;
    MUST(size <= GH_LIMIT_TOKEN && jws.header.len && jws.payload.len && jws.signature.len);
    MUST(jws.header.len + 1 + jws.payload.len == jws.signing_input.len);
    MUST(gh_b64url_encode(a, jws.signature, &again) == GH_OK);
    MUST(gh_str_ends(text, again) && jws.signing_input.len + 1 + again.len == size);

    if (gh_jws_header_parse(a, jws.header, &header) == GH_OK)
        MUST(gh_alg_name(header.alg) && header.kid.len > 0 && header.kid.len <= GH_LIMIT_KID);
    return 0;
}
