/* tenant/contract/formats.c - the functions behind the contract's formats and patterns. No regular
 * expressions: each is one pass over the bytes. The contract gives no expressions for its formats; these
 * accept what the recordings show accepted and refuse what the documentation says is refused. */
#include <arpa/inet.h>
#include <stdint.h>

#include "tenant/contract/contract.h"

/* --- character classes --- */

enum {
    LOWER = 1,
    UPPER = 2,
    DIGIT = 4,
    DASH = 8,
    UNDERSCORE = 16,
    BASE64 = 32, /* '+' and '/' */
    HEX_LETTER = 64,
};

static bool in_class(unsigned char c, unsigned class) {
    if (c >= 'a' && c <= 'z')
        return (class & LOWER) || ((class & HEX_LETTER) && c <= 'f');
    if (c >= 'A' && c <= 'Z')
        return (class & UPPER) || ((class & HEX_LETTER) && c <= 'F');
    if (c >= '0' && c <= '9')
        return class & DIGIT;
    if (c == '-')
        return class & DASH;
    if (c == '_')
        return class & UNDERSCORE;
    return (class & BASE64) && (c == '+' || c == '/');
}

static bool all_in(struct gh_str s, unsigned class, size_t min, size_t max) {
    if (s.len < min || s.len > max)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!in_class((unsigned char)s.ptr[i], class))
            return false;
    return true;
}

static bool has_any(struct gh_str s, const char *bytes) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] && strchr(bytes, s.ptr[i]))
            return true;
    return false;
}

static bool no_controls(struct gh_str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool no_blanks(struct gh_str s) {
    return no_controls(s) && !has_any(s, " ");
}

static bool no_nul(struct gh_str s) {
    return !memchr(s.ptr ? s.ptr : "", 0, s.len);
}

/* --- identifiers (notes: census of 10,855 exchanges) --- */

static bool prefixed(struct gh_str s, struct gh_str prefix, size_t min, size_t max) {
    return gh_str_starts(s, prefix) && all_in(gh_str_skip(s, prefix.len), LOWER | UPPER | DIGIT, min, max);
}

static bool organization_id(struct gh_str s) {
    return prefixed(s, GH_STR("org_"), 16, 16);
}

static bool connection_id(struct gh_str s) {
    return prefixed(s, GH_STR("con_"), 16, 16);
}

static bool role_id(struct gh_str s) {
    return prefixed(s, GH_STR("rol_"), 16, 16);
}

static bool client_grant_id(struct gh_str s) {
    return prefixed(s, GH_STR("cgr_"), 16, 16);
}

static bool credential_id(struct gh_str s) {
    return prefixed(s, GH_STR("cred_"), 16, 22);
}

static bool connection_profile_id(struct gh_str s) {
    return prefixed(s, GH_STR("cop_"), 16, 22);
}

static bool user_attribute_profile_id(struct gh_str s) {
    return prefixed(s, GH_STR("uap_"), 16, 22);
}

static bool client_id(struct gh_str s) {
    return all_in(s, LOWER | UPPER | DIGIT | DASH | UNDERSCORE, 1, 64);
}

/* provider|id: both parts there, so that a forgotten placeholder is told at once. */
static bool user_id(struct gh_str s) {
    struct gh_str rest = s, provider;
    return s.len <= 300 && no_controls(s) && gh_str_cut(&rest, '|', &provider) && provider.len > 0 &&
           rest.len > 0 && no_blanks(provider);
}

static bool organization_name(struct gh_str s) {
    return all_in(s, LOWER | DIGIT | DASH | UNDERSCORE, 1, 50);
}

/* --- addresses --- */

static bool email(struct gh_str s) {
    struct gh_str rest = s, local;
    if (s.len > 320 || !no_blanks(s) || has_any(s, "<>()[],;:\\\"") || !gh_str_cut(&rest, '@', &local))
        return false;
    if (local.len == 0 || local.len > 64 || rest.len == 0 || rest.len > 255 ||
        memchr(rest.ptr, '@', rest.len))
        return false;
    if (rest.ptr[0] == '.' || rest.ptr[0] == '-' || rest.ptr[rest.len - 1] == '.')
        return false;
    for (size_t i = 1; i < rest.len; i++)
        if (rest.ptr[i] == '.' && rest.ptr[i - 1] == '.')
            return false;
    return memchr(rest.ptr, '.', rest.len) != NULL;
}

static bool email_or_empty(struct gh_str s) {
    return s.len == 0 || email(s);
}

/* RFC 3986 3.1: a letter, then letters, digits, '+', '-', '.'; then ':' and something. */
static bool absolute_uri(struct gh_str s) {
    struct gh_str rest = s, scheme;
    if (!no_blanks(s) || has_any(s, "<>\"\\^`") || !gh_str_cut(&rest, ':', &scheme) || rest.len == 0)
        return false;
    if (scheme.len == 0 || !in_class((unsigned char)scheme.ptr[0], LOWER | UPPER))
        return false;
    for (size_t i = 1; i < scheme.len; i++)
        if (!in_class((unsigned char)scheme.ptr[i], LOWER | UPPER | DIGIT | DASH) && scheme.ptr[i] != '+' &&
            scheme.ptr[i] != '.')
            return false;
    return true;
}

static bool absolute_uri_or_empty(struct gh_str s) {
    return s.len == 0 || absolute_uri(s);
}

static bool has_braces(struct gh_str s) {
    return has_any(s, "{}|");
}

/* With an authority, without placeholders. */
static bool strict_uri(struct gh_str s) {
    struct gh_str rest = s, scheme;
    return absolute_uri(s) && !has_braces(s) && gh_str_cut(&rest, ':', &scheme) &&
           gh_str_starts(rest, GH_STR("//")) && rest.len > 2;
}

static bool https_template(struct gh_str s) {
    return absolute_uri(s) && s.len > 8 && gh_str_eq_nocase((struct gh_str){ s.ptr, 8 }, GH_STR("https://"));
}

static bool https_template_or_empty(struct gh_str s) {
    return s.len == 0 || https_template(s);
}

static bool https_uri(struct gh_str s) {
    return https_template(s) && !has_braces(s);
}

static bool https_uri_or_empty(struct gh_str s) {
    return s.len == 0 || https_uri(s);
}

/* Where a browser may be sent: never a scheme that runs or embeds what follows it. */
static bool callback_url(struct gh_str s) {
    static const char *const refused[] = { "javascript", "data", "vbscript", "blob", "file" };
    struct gh_str rest = s, scheme;
    if (!absolute_uri(s) || !gh_str_cut(&rest, ':', &scheme))
        return false;
    for (size_t i = 0; i < GH_COUNT(refused); i++)
        if (gh_str_eq_nocase(scheme, gh_str_from(refused[i])))
            return false;
    return true;
}

/* --- small things --- */

static bool html_color(struct gh_str s) {
    return s.len > 0 && s.ptr[0] == '#' && (s.len == 4 || s.len == 7) &&
           all_in(gh_str_skip(s, 1), DIGIT | HEX_LETTER, 3, 6);
}

static bool date_time(struct gh_str s) {
    static const char shape[] = "dddd-dd-ddTdd:dd:dd"; /* RFC 3339 5.6; then a fraction and Z or an offset */
    if (s.len < sizeof(shape))
        return false;
    for (size_t i = 0; i < sizeof(shape) - 1; i++)
        if (shape[i] == 'd' ? s.ptr[i] < '0' || s.ptr[i] > '9' : s.ptr[i] != shape[i])
            return false;
    for (size_t i = sizeof(shape) - 1; i < s.len; i++)
        if (!in_class((unsigned char)s.ptr[i], DIGIT) && !has_any((struct gh_str){ s.ptr + i, 1 }, ".Z+-:"))
            return false;
    return s.len <= 35;
}

static bool is_ip(int family, struct gh_str s) {
    char text[64];
    unsigned char address[16];
    if (s.len == 0 || s.len >= sizeof(text) || !no_nul(s))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    return inet_pton(family, text, address) == 1;
}

static bool is_cidr(int family, struct gh_str s, unsigned long long max) {
    struct gh_str bits = s, address;
    unsigned long long n;
    return gh_str_cut(&bits, '/', &address) && is_ip(family, address) && gh_str_to_u64(bits, max, &n);
}

static bool ip_v4(struct gh_str s) {
    return is_ip(AF_INET, s);
}

static bool ip_v6(struct gh_str s) {
    return is_ip(AF_INET6, s);
}

static bool cidr_v4(struct gh_str s) {
    return is_cidr(AF_INET, s, 32);
}

static bool cidr_v6(struct gh_str s) {
    return is_cidr(AF_INET6, s, 128);
}

/* --- patterns --- */

static bool line_to_1024(struct gh_str s) {
    return s.len >= 1 && s.len <= 1024 && !has_any(s, "\n\r");
}

static bool word_10_to_64(struct gh_str s) {
    return all_in(s, LOWER | UPPER | DIGIT | DASH | UNDERSCORE, 10, 64);
}

static bool base64_of_64(struct gh_str s) {
    return s.len == 88 && gh_str_ends(s, GH_STR("==")) &&
           all_in((struct gh_str){ s.ptr, 86 }, LOWER | UPPER | DIGIT | BASE64, 86, 86);
}

static bool azure_container(struct gh_str s) {
    return all_in(s, LOWER | DIGIT | DASH, 3, 63) && s.ptr[0] != '-';
}

static bool azure_account(struct gh_str s) {
    return all_in(s, LOWER | DIGIT, 3, 24);
}

static bool two_capitals(struct gh_str s) {
    return all_in(s, UPPER, 2, 2);
}

static bool no_angle_brackets(struct gh_str s) {
    return s.len > 0 && !has_any(s, "<>");
}

static bool dashed_name(struct gh_str s) {
    if (!all_in(s, LOWER | UPPER | DIGIT | DASH, 1, SIZE_MAX) || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (s.ptr[i] == '-' && s.ptr[i - 1] == '-')
            return false;
    return true;
}

static bool phone_number(struct gh_str s) {
    return s.len > 0 && s.ptr[0] == '+' && all_in(gh_str_skip(s, 1), DIGIT, 1, 15);
}

/* --- the tables --- */

struct named {
    const char *name;
    bool (*accepts)(struct gh_str);
};

static const struct named formats[] = {
    { "", NULL },
#define FORMAT(name, function) { name, function },
#define PATTERN(name, function)
#include "tenant/contract/formats.def"
#undef FORMAT
#undef PATTERN
};

static const struct named patterns[] = {
    { "", NULL },
#define FORMAT(name, function)
#define PATTERN(name, function) { name, function },
#include "tenant/contract/formats.def"
#undef FORMAT
#undef PATTERN
};

bool gh_contract_format(unsigned number, struct gh_str text) {
    return number == 0 || (number < GH_COUNT(formats) && formats[number].accepts(text));
}

bool gh_contract_pattern(unsigned number, struct gh_str text) {
    return number == 0 || (number < GH_COUNT(patterns) && patterns[number].accepts(text));
}

const char *gh_contract_format_name(unsigned number) {
    return number < GH_COUNT(formats) ? formats[number].name : "";
}

const char *gh_contract_pattern_text(unsigned number) {
    return number < GH_COUNT(patterns) ? patterns[number].name : "";
}
