/* tenant/api/password_policy.c - is a password strong enough? Two generations: options.passwordPolicy (a
 * level) and options.password_options.complexity (each rule by itself). The level wins where both are set. */
#include "tenant/api/connection.h"

enum { LOWER = 1, UPPER = 2, DIGIT = 4, SPECIAL = 8 };

struct demands {
    size_t length;
    unsigned needed;  /* classes that must all occur */
    unsigned of_four; /* how many of the four classes must occur */
    size_t repeats;   /* longest allowed run of one character; 0 = any */
};

static const struct {
    const char *name;
    struct demands demands;
} levels[] = {
    { "none", { 1, 0, 0, 0 } },
    { "low", { 6, 0, 0, 0 } },
    { "fair", { 8, LOWER | UPPER | DIGIT, 0, 0 } },
    { "good", { 8, 0, 3, 0 } },
    { "excellent", { 10, 0, 3, 2 } },
};

static bool meets(struct gh_str p, const struct demands *d) {
    size_t length = 0, run = 0;
    unsigned classes = 0;
    for (size_t i = 0; i < p.len; i++) {
        unsigned char ch = (unsigned char)p.ptr[i];
        length += (ch & 0xc0) != 0x80; /* characters, not bytes */
        run = i && p.ptr[i] == p.ptr[i - 1] ? run + 1 : 1;
        if (d->repeats && run > d->repeats)
            return false;
        if (ch >= 'a' && ch <= 'z')
            classes |= LOWER;
        else if (ch >= 'A' && ch <= 'Z')
            classes |= UPPER;
        else if (ch >= '0' && ch <= '9')
            classes |= DIGIT;
        else
            classes |= SPECIAL;
    }
    return length >= d->length && (classes & d->needed) == d->needed &&
           (unsigned)__builtin_popcount(classes) >= d->of_four;
}

static unsigned class_of(struct gh_str name) {
    static const struct {
        const char *name;
        unsigned class;
    } rows[] = {
        { "lowercase", LOWER }, { "uppercase", UPPER }, { "number", DIGIT }, { "special", SPECIAL }
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        if (gh_str_is(name, rows[i].name))
            return rows[i].class;
    return 0;
}

static struct demands read_complexity(const json_t *complexity) {
    struct demands d = { .length = (size_t)gh_doc_int(complexity, "min_length", 8) };
    size_t i;
    json_t *type;
    json_array_foreach(json_object_get(complexity, "character_types"), i, type) d.needed |=
        class_of(gh_json_text(type));
    if (d.needed && gh_str_is(gh_doc_string(complexity, "character_type_rule"), "three_of_four")) {
        d.needed = 0;
        d.of_four = 3;
    }
    if (gh_str_is(gh_doc_string(complexity, "identical_characters"), "block"))
        d.repeats = 2;
    return d;
}

static const struct demands *find_level(struct gh_str name) {
    for (size_t i = 0; i < GH_COUNT(levels); i++)
        if (gh_str_is(name, levels[i].name))
            return &levels[i].demands;
    return NULL;
}

bool gh_password_is_strong(const json_t *connection, struct gh_str password) {
    const json_t *options = json_object_get(connection, "options");
    const json_t *complexity = json_object_get(json_object_get(options, "password_options"), "complexity");
    const struct demands *level = find_level(gh_doc_string(options, "passwordPolicy"));
    struct demands d = levels[3].demands; /* never said: good, Auth0's default for as long as it had one */
    if (level)
        d = *level;
    else if (complexity)
        d = read_complexity(complexity);
    long long longer = gh_doc_int(json_object_get(options, "password_complexity_options"), "min_length", 0);
    if (longer > 0)
        d.length = (size_t)longer;
    return meets(password, &d);
}
