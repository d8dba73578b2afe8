#include "core/claims.h"

#include "core/b64url.h"
#include "core/json.h"
#include "core/limits.h"

/* What the walk over the claims collects: the result, and the second name of the client. */
struct reading {
    struct gh_claims claims;
    struct gh_str client_id;
    bool has_expires_at, has_not_before;
};

enum kind {
    NAME, /* a string that is not empty: an empty name would look like an absent one */
    TEXT, /* a string */
    DATE,
    AUDIENCE,
    PERMISSIONS
};

struct claim {
    struct gh_str name;
    enum kind kind;
    size_t offset; /* of the gh_str or long long in struct reading */
    size_t seen;   /* of the bool that says it was there; 0 when nobody asks */
};

#define CLAIM(text, kind, field, seen)                                                                       \
    { { text, sizeof text - 1 }, kind, offsetof(struct reading, field), seen }
#define SEEN(field) offsetof(struct reading, field)

/* clang-format off */
static const struct claim table[] = {
    CLAIM("iss",         NAME,        claims.issuer,       0),
    CLAIM("sub",         NAME,        claims.subject,      0),
    CLAIM("aud",         AUDIENCE,    claims.audiences,    0),
    CLAIM("exp",         DATE,        claims.expires_at,   SEEN(has_expires_at)),
    CLAIM("iat",         DATE,        claims.issued_at,    SEEN(claims.has_issued_at)),
    CLAIM("nbf",         DATE,        claims.not_before,   SEEN(has_not_before)),
    CLAIM("azp",         NAME,        claims.client,       0),
    CLAIM("client_id",   NAME,        client_id,           0),
    CLAIM("org_id",      NAME,        claims.organization, 0),
    CLAIM("permissions", PERMISSIONS, claims.permissions,  SEEN(claims.has_permissions)),
    CLAIM("scope",       TEXT,        claims.scope,        0),
    CLAIM("jti",         TEXT,        claims.token_id,     0),
};
/* clang-format on */

static enum gh_err read_list(struct gh_arena *a, struct gh_json value, size_t limit,
                             const struct gh_str **items, size_t *count) {
    struct gh_str key;
    struct gh_json item;
    size_t n = 0;
    if (value.type != GH_JSON_ARRAY)
        return GH_ERR_BAD_CLAIM;
    for (size_t at = 0; gh_json_next(value, &at, &key, &item); n++)
        if (n == limit)
            return GH_ERR_TOO_LARGE;
    struct gh_str *list = gh_arena_calloc(a, n, sizeof *list);
    if (!list)
        return GH_ERR_NOMEM;
    size_t i = 0;
    for (size_t at = 0; gh_json_next(value, &at, &key, &item); i++) {
        enum gh_err e = gh_json_string(a, item, &list[i]);
        if (e)
            return e;
    }
    *items = list;
    *count = n;
    return GH_OK;
}

/* RFC 7519 4.1.3: one string or an array of them. */
static enum gh_err read_audience(struct gh_arena *a, struct gh_json value, struct gh_claims *ret) {
    if (value.type != GH_JSON_STRING)
        return read_list(a, value, GH_LIMIT_AUDIENCES, &ret->audiences, &ret->audience_count);
    struct gh_str *one = GH_NEW(a, struct gh_str);
    if (!one)
        return GH_ERR_NOMEM;
    ret->audiences = one;
    ret->audience_count = 1;
    return gh_json_string(a, value, one);
}

static enum gh_err read_date(struct gh_json value, long long *ret) {
    enum gh_err e = gh_json_integer(value, ret);
    if (e)
        return e;
    return *ret >= 0 && *ret <= GH_LIMIT_NUMERIC_DATE ? GH_OK : GH_ERR_BAD_CLAIM;
}

static enum gh_err read_claim(struct gh_arena *a, const struct claim *claim, struct gh_json value,
                              struct reading *r) {
    void *field = (char *)r + claim->offset;
    if (claim->seen)
        *(bool *)((char *)r + claim->seen) = true;
    switch (claim->kind) {
    case DATE:
        return read_date(value, field);
    case AUDIENCE:
        return read_audience(a, value, &r->claims);
    case PERMISSIONS:
        return read_list(a, value, GH_LIMIT_PERMISSIONS, &r->claims.permissions, &r->claims.permission_count);
    default:
        break;
    }
    enum gh_err e = gh_json_string(a, value, field);
    return e == GH_OK && claim->kind == NAME && ((struct gh_str *)field)->len == 0 ? GH_ERR_BAD_CLAIM : e;
}

static enum gh_err read_member(struct gh_arena *a, struct gh_str name, struct gh_json value,
                               struct reading *r) {
    for (size_t i = 0; i < GH_COUNT(table); i++)
        if (gh_json_key_spells(name, table[i].name)) {
            /* An escaped spelling of a claim that decides: another reader might not see it. */
            if (!gh_json_key_is(name, table[i].name))
                return GH_ERR_MALFORMED;
            return read_claim(a, &table[i], value, r);
        }
    return GH_OK;
}

enum gh_err gh_claims_parse(struct gh_arena *a, struct gh_str json, struct gh_claims *ret) {
    struct reading r = { 0 };
    struct gh_json object, value;
    struct gh_str name;
    enum gh_err e = gh_json_parse(json, GH_LIMIT_JSON_DEPTH, &object);
    if (e)
        return e;
    if (object.type != GH_JSON_OBJECT)
        return GH_ERR_MALFORMED;
    for (size_t at = 0; gh_json_next(object, &at, &name, &value);)
        if ((e = read_member(a, name, value, &r)))
            return e;
    if (!r.has_expires_at)
        return GH_ERR_BAD_CLAIM;
    if (r.claims.client.len == 0)
        r.claims.client = r.client_id;
    *ret = r.claims;
    return GH_OK;
}

/* RFC 9068 2.1, RFC 8725 3.11: logout tokens, DPoP proofs and the like are signed by the same keys. */
static bool is_access_token(struct gh_str typ) {
    return typ.len == 0 || gh_str_is(typ, "JWT") || gh_str_is(typ, "at+jwt") ||
           gh_str_is(typ, "application/at+jwt");
}

enum gh_err gh_token_open(struct gh_arena *a, struct gh_str token, gh_key_finder *find, void *context,
                          struct gh_claims *ret) {
    struct gh_jws jws;
    struct gh_jws_header header;
    struct gh_claims claims;
    struct gh_str json;
    enum gh_err e = gh_jws_split(a, token, &jws);
    if (!e)
        e = gh_jws_header_parse(a, jws.header, &header);
    if (!e && !is_access_token(header.typ))
        e = GH_ERR_WRONG_TYPE;
    if (!e)
        e = gh_b64url_decode(a, jws.payload, &json);
    if (!e)
        e = gh_claims_parse(a, json, &claims);
    if (e)
        return e;

    /* Nothing above is believed yet: the issuer only chooses the key that has to prove it. */
    const struct gh_key *key = find(context, claims.issuer, header.kid);
    if (!key)
        return GH_ERR_UNKNOWN_KEY;
    if ((e = gh_jws_verify(&jws, header.alg, key)))
        return e;
    claims.type = header.typ;
    *ret = claims;
    return GH_OK;
}
