#include "core/jws.h"

#include "core/b64url.h"
#include "core/json.h"
#include "core/limits.h"

enum gh_err gh_jws_split(struct gh_arena *a, struct gh_str text, struct gh_jws *ret) {
    struct gh_str rest = text;
    struct gh_jws jws;
    if (text.len > GH_LIMIT_TOKEN)
        return GH_ERR_TOO_LARGE;
    if (!gh_str_cut(&rest, '.', &jws.header) || !gh_str_cut(&rest, '.', &jws.payload))
        return GH_ERR_MALFORMED;
    if (jws.header.len == 0 || jws.payload.len == 0 || rest.len == 0) /* no signature: alg none in disguise */
        return GH_ERR_MALFORMED;

    jws.signing_input = (struct gh_str){ text.ptr, text.len - rest.len - 1 };
    enum gh_err e = gh_b64url_decode(a, rest, &jws.signature); /* a third '.' fails in here */
    if (e)
        return e;
    *ret = jws;
    return GH_OK;
}

/* What a member of the header is to us. What is not in the table is ignored, and so jku, x5u, jwk and x5c are
 * never read. */
enum member { ALG, KID, TYP, REFUSED, IGNORED };

static const struct {
    struct gh_str name;
    enum member member;
} members[] = {
    { { "alg", 3 }, ALG },     { { "kid", 3 }, KID },
    { { "typ", 3 }, TYP },     { { "crit", 4 }, REFUSED }, /* RFC 7515 4.1.11: we understand no extension */
    { { "b64", 3 }, REFUSED }, { { "zip", 3 }, REFUSED },  /* RFC 7797; RFC 8725 3.6 */
};

/* An escaped spelling of a name that we read is refused: another reader might not see it. */
static enum gh_err member_of(struct gh_str name, enum member *ret) {
    *ret = IGNORED;
    for (size_t i = 0; i < GH_COUNT(members); i++)
        if (gh_json_key_spells(name, members[i].name)) {
            *ret = members[i].member;
            return gh_json_key_is(name, members[i].name) && *ret != REFUSED ? GH_OK : GH_ERR_MALFORMED;
        }
    return GH_OK;
}

static enum gh_err text_of(struct gh_arena *a, struct gh_json value, struct gh_str *ret) {
    enum gh_err e = gh_json_string(a, value, ret);
    return e == GH_ERR_BAD_CLAIM || (e == GH_OK && ret->len == 0) ? GH_ERR_MALFORMED : e;
}

static enum gh_err read_header(struct gh_arena *a, struct gh_json object, struct gh_jws_header *ret) {
    struct gh_str texts[] = { [ALG] = { 0 }, [KID] = { 0 }, [TYP] = { 0 } };
    struct gh_str name;
    struct gh_json value;
    for (size_t at = 0; gh_json_next(object, &at, &name, &value);) {
        enum member m;
        enum gh_err e = member_of(name, &m);
        if (!e && m != IGNORED)
            e = text_of(a, value, &texts[m]);
        if (e)
            return e;
    }
    if (texts[ALG].len == 0 || texts[KID].len == 0)
        return GH_ERR_MALFORMED;
    if (texts[KID].len > GH_LIMIT_KID)
        return GH_ERR_TOO_LARGE;
    *ret = (struct gh_jws_header){ gh_alg_from_name(texts[ALG]), texts[KID], texts[TYP] };
    return ret->alg == GH_ALG_UNKNOWN ? GH_ERR_WRONG_ALG : GH_OK;
}

enum gh_err gh_jws_header_parse(struct gh_arena *a, struct gh_str base64url, struct gh_jws_header *ret) {
    struct gh_str text;
    struct gh_json object;
    enum gh_err e = gh_b64url_decode(a, base64url, &text);
    if (e)
        return e;
    if ((e = gh_json_parse(text, GH_LIMIT_JSON_DEPTH, &object)))
        return e;
    if (object.type != GH_JSON_OBJECT)
        return GH_ERR_MALFORMED;
    return read_header(a, object, ret);
}
