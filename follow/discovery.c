#include "follow/discovery.h"

#include "core/json.h"
#include "core/limits.h"

#define SCHEME GH_STR("https://")

/* An address as we are willing to ask it: https, a host, nothing that a parser could read in two ways. */
static bool is_plain_https(struct gh_str url) {
    if (!gh_str_starts(url, SCHEME) || url.len > GH_LIMIT_TARGET || url.len == SCHEME.len ||
        url.ptr[SCHEME.len] == '/')
        return false;
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = gh_bytes(url)[i];
        if (c <= ' ' || c >= 0x7f || strchr("#@\\\"<>{}|^`", c))
            return false;
    }
    return true;
}

/* The length of https://HOST[:PORT]. */
static size_t origin_length(struct gh_str url) {
    size_t at = SCHEME.len < url.len ? SCHEME.len : url.len;
    while (at < url.len && url.ptr[at] != '/' && url.ptr[at] != '?')
        at++;
    return at;
}

bool gh_url_same_origin(struct gh_str url, struct gh_str other) {
    struct gh_str a = { url.ptr, origin_length(url) }, b = { other.ptr, origin_length(other) };
    return gh_str_eq_nocase(a, b);
}

/* OpenID puts its name behind the whole issuer, RFC 8414 between host and path. Both drop a final slash. */
enum gh_err gh_discovery_url(struct gh_arena *a, enum gh_discovery kind, struct gh_str issuer,
                             struct gh_str *ret) {
    if (!is_plain_https(issuer) || memchr(issuer.ptr, '?', issuer.len))
        return GH_ERR_MALFORMED;
    struct gh_str origin = { issuer.ptr, origin_length(issuer) };
    struct gh_str path = gh_str_skip(issuer, origin.len);
    if (gh_str_ends(path, GH_STR("/")))
        path.len--;
    *ret = kind == GH_DISCOVERY_OPENID ? gh_arena_printf(a, "%.*s%.*s/.well-known/openid-configuration",
                                                         GH_STR_FMT(origin), GH_STR_FMT(path))
                                       : gh_arena_printf(a, "%.*s/.well-known/oauth-authorization-server%.*s",
                                                         GH_STR_FMT(origin), GH_STR_FMT(path));
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err text_member(struct gh_arena *a, struct gh_json object, struct gh_str name,
                               struct gh_str *ret) {
    struct gh_json value;
    if (!gh_json_member(object, name, &value))
        return GH_ERR_MALFORMED;
    enum gh_err e = gh_json_string(a, value, ret);
    return e == GH_ERR_BAD_CLAIM ? GH_ERR_MALFORMED : e;
}

enum gh_err gh_discovery_parse(struct gh_arena *a, struct gh_str json, struct gh_str issuer,
                               struct gh_str *ret_jwks_uri) {
    struct gh_json document;
    struct gh_str named, uri;
    if (json.len > GH_LIMIT_DISCOVERY)
        return GH_ERR_TOO_LARGE;
    enum gh_err e = gh_json_parse(json, GH_LIMIT_JSON_DEPTH, &document);
    if (!e)
        e = text_member(a, document, GH_STR("issuer"), &named);
    if (!e && !gh_str_eq(named, issuer))
        e = GH_ERR_WRONG_ISSUER;
    if (!e)
        e = text_member(a, document, GH_STR("jwks_uri"), &uri);
    if (!e && !is_plain_https(uri))
        e = GH_ERR_UNSUPPORTED;
    if (!e)
        *ret_jwks_uri = uri;
    return e;
}

long long gh_max_age(struct gh_str cache_control) {
    long long ret = -1;
    for (struct gh_str rest = cache_control, item; rest.len > 0;) {
        unsigned long long seconds;
        if (!gh_str_cut(&rest, ',', &item)) {
            item = rest;
            rest = (struct gh_str){ 0 };
        }
        item = gh_str_trim(item);
        if (gh_str_eq_nocase(item, GH_STR("no-store")) || gh_str_eq_nocase(item, GH_STR("no-cache")))
            return 0;
        struct gh_str name = { item.ptr, item.len < 8 ? item.len : 8 };
        if (ret < 0 && gh_str_eq_nocase(name, GH_STR("max-age=")) &&
            gh_str_to_u64(gh_str_skip(item, 8), 1ULL << 31, &seconds))
            ret = (long long)seconds;
    }
    return ret;
}
