#include "core/ecdsa.h"
#include "tests/check.h"

#define BYTES(text)                                                                                          \
    { (text), sizeof(text) - 1 }

TEST(only_the_shortest_der_of_two_positive_numbers_is_taken) {
    static const struct {
        const char *what;
        struct gh_str der;
        bool ok;
    } rows[] = {
        { "one and two", BYTES("\x30\x06\x02\x01\x01\x02\x01\x02"), true },
        { "zeros", BYTES("\x30\x06\x02\x01\x00\x02\x01\x00"), true }, /* the library refuses them */
        { "top bit", BYTES("\x30\x08\x02\x02\x00\x80\x02\x02\x00\xff"), true },
        { "empty", BYTES(""), false },
        { "tag alone", BYTES("\x30"), false },
        { "another tag", BYTES("\x31\x06\x02\x01\x01\x02\x01\x02"), false },
        { "longer than it is", BYTES("\x30\x07\x02\x01\x01\x02\x01\x02"), false },
        { "bytes behind", BYTES("\x30\x06\x02\x01\x01\x02\x01\x02\x00"), false },
        { "bytes behind inside", BYTES("\x30\x07\x02\x01\x01\x02\x01\x02\x00"), false },
        { "long form", BYTES("\x30\x81\x06\x02\x01\x01\x02\x01\x02"), false },
        { "indefinite form", BYTES("\x30\x80\x02\x01\x01\x02\x01\x02\x00\x00"), false },
        { "negative", BYTES("\x30\x06\x02\x01\x80\x02\x01\x02"), false },
        { "needless zero", BYTES("\x30\x07\x02\x02\x00\x01\x02\x01\x02"), false },
        { "empty number", BYTES("\x30\x05\x02\x00\x02\x01\x02"), false },
        { "one number", BYTES("\x30\x03\x02\x01\x01"), false },
        { "no number", BYTES("\x30\x06\x03\x01\x01\x02\x01\x02"), false },
        { "number beyond its frame", BYTES("\x30\x06\x02\x01\x01\x02\x05\x02"), false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        unsigned char raw[64], der[GH_ECDSA_DER_MAX];
        CHECK_ROW(rows[i].what, gh_ecdsa_from_der(rows[i].der, 32, raw) == rows[i].ok);
        if (!rows[i].ok)
            continue;
        size_t len = gh_ecdsa_to_der((struct gh_str){ (char *)raw, 64 }, 32, der);
        CHECK_ROW(rows[i].what, gh_str_eq((struct gh_str){ (char *)der, len }, rows[i].der));
    }
}

TEST(numbers_of_full_length_fit_and_longer_ones_do_not) {
    static const size_t sizes[] = { 32, 48 };
    for (size_t i = 0; i < GH_COUNT(sizes); i++) {
        unsigned char raw[2 * GH_ECDSA_COORDINATE_MAX], der[GH_ECDSA_DER_MAX], back[sizeof raw];
        memset(raw, 0xff, sizeof raw);
        size_t n = 2 * sizes[i], len = gh_ecdsa_to_der((struct gh_str){ (char *)raw, n }, sizes[i], der);
        struct gh_str text = { (char *)der, len };
        CHECK(len == 2 + 2 * (3 + sizes[i]) && gh_ecdsa_from_der(text, sizes[i], back));
        CHECK(memcmp(raw, back, n) == 0);
        CHECK(!gh_ecdsa_from_der(text, sizes[i] - 1, back));
        CHECK(gh_ecdsa_to_der((struct gh_str){ (char *)raw, n - 1 }, sizes[i], der) == 0);
        CHECK(gh_ecdsa_to_der((struct gh_str){ (char *)raw, n - 2 }, sizes[i], der) == 0);
    }
    unsigned char der[GH_ECDSA_DER_MAX];
    char raw[132] = { 0 };
    CHECK(gh_ecdsa_to_der((struct gh_str){ raw, 132 }, 66, der) == 0); /* P-521 is none of ours */
    CHECK(gh_ecdsa_to_der((struct gh_str){ raw, 0 }, 0, der) == 0);
}

GH_TESTS(only_the_shortest_der_of_two_positive_numbers_is_taken,
         numbers_of_full_length_fit_and_longer_ones_do_not)
