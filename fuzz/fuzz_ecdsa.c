#include "core/ecdsa.h"
#include "fuzz/fuzz.h"

/* What is accepted as DER is the only DER of that signature, and every raw signature has one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const size_t sizes[] = { 32, 48 };
    struct gh_str text = { (const char *)data, size };

    for (size_t i = 0; i < GH_COUNT(sizes); i++) {
        unsigned char raw[2 * GH_ECDSA_COORDINATE_MAX], der[GH_ECDSA_DER_MAX];
        struct gh_str r = { (const char *)raw, 2 * sizes[i] };
        if (gh_ecdsa_from_der(text, sizes[i], raw)) {
            size_t len = gh_ecdsa_to_der(r, sizes[i], der);
            MUST(gh_str_eq((struct gh_str){ (const char *)der, len }, text));
        }
        size_t len = gh_ecdsa_to_der(text, sizes[i], der);
        MUST((len > 0) == (size == 2 * sizes[i]));
        if (len)
            MUST(gh_ecdsa_from_der((struct gh_str){ (const char *)der, len }, sizes[i], raw) &&
                 gh_str_eq(r, text));
    }
    return 0;
}
