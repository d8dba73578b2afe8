#include "tenant/oauth/family.h"

#include "sys/clock.h"
#include "sys/random.h"
#include "tenant/change.h"
#include "tenant/record.h"
#include "tenant/seal.h"

enum { LIFETIME = 31557600, IDLE = 2592000 }; /* seconds; Auth0's defaults */

static const char by_jti[] = "j_", by_pair[] = "p_";

enum gh_err gh_family_name(struct gh_arena *a, const json_t *api, struct gh_str *ret) {
    struct gh_str random;
    enum gh_err e = gh_random_urlsafe(a, 22, &random);
    if (e)
        return e;
    *ret = gh_arena_printf(a, "%s%.*s", gh_dialect_of(api)->has_jti ? by_jti : by_pair, GH_STR_FMT(random));
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

struct gh_refresh_rule gh_refresh_rule_of(const json_t *client) {
    const json_t *doc = json_object_get(client, "refresh_token");
    bool is_public = gh_str_is(gh_doc_string(client, "token_endpoint_auth_method"), "none");
    struct gh_refresh_rule rule = {
        .rotates = is_public || !gh_str_is(gh_doc_string(doc, "rotation_type"), "non-rotating"),
        .leeway = gh_doc_int(doc, "leeway", 0) * 1000,
        .lifetime = gh_doc_int(doc, "token_lifetime", LIFETIME) * 1000,
        .idle = gh_doc_int(doc, "idle_token_lifetime", IDLE) * 1000,
    };
    if (gh_doc_bool(doc, "infinite_token_lifetime", false))
        rule.lifetime = 0;
    if (gh_doc_bool(doc, "infinite_idle_token_lifetime", false))
        rule.idle = 0;
    return rule;
}

static struct gh_bind time_or_null(const char *name, long long ms) {
    return ms > 0 ? GH_INT(name, ms) : GH_NULL(name);
}

enum gh_err gh_refresh_make(struct gh_db *db, struct gh_arena *a, const struct gh_refresh *refresh,
                            struct gh_str *ret) {
    const struct gh_authorization *auth = &refresh->auth;
    struct gh_str token, hash, doc;
    long long now = gh_clock_milliseconds();
    enum gh_err e = gh_random_urlsafe(a, 43, &token);
    if (!e)
        e = gh_token_hash(a, token, &hash);
    if (!e)
        e = gh_authorization_format(a, auth, &doc);
    if (!e)
        e = gh_db_run(db, GH_SQL_REFRESH_PURGE, GH_BINDS(GH_INT("before", now)), NULL);
    if (!e)
        e = gh_db_run(db, GH_SQL_REFRESH_INSERT,
                      GH_BINDS(GH_TEXT("hash", hash), GH_TEXT("family", refresh->family),
                               GH_TEXT("client", auth->client_id), GH_TEXT("user", auth->user_id),
                               auth->organization_id.len > 0 ? GH_TEXT("organization", auth->organization_id)
                                                             : GH_NULL("organization"),
                               GH_TEXT("audience", auth->audience.ptr ? auth->audience : GH_STR("")),
                               GH_INT("now", now), time_or_null("expires_at", refresh->expires_at),
                               time_or_null("idle_expires_at", refresh->idle_expires_at),
                               GH_TEXT("doc", doc)),
                      NULL);
    if (!e)
        *ret = token;
    return e;
}

/* The access tokens of the family that have not expired, each by its jti. */
static enum gh_err revoke_each(struct gh_db *db, struct gh_exchange *x, struct gh_str family) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    long long now = gh_clock_seconds();
    bool more;
    enum gh_err e = gh_change_bump(db, x, GH_EPOCH_TOKEN, family, (struct gh_str){ 0 });
    if (!e)
        e = gh_db_query(db, GH_SQL_REFRESH_FAMILY_DOCS, GH_BINDS(GH_TEXT("family", family)), &rows);
    while (!e && !(e = gh_rows_next(&rows, &more)) && more) {
        struct gh_authorization auth;
        e = gh_authorization_parse(x->arena, gh_rows_text(&rows, 0), &auth);
        if (!e && auth.access_expires > now && auth.jti.len > 0)
            e = gh_change_bump(db, x, GH_EPOCH_TOKEN, auth.jti, (struct gh_str){ 0 });
    }
    return e;
}

enum gh_err gh_family_revoke(struct gh_db *db, struct gh_exchange *x, struct gh_str family,
                             struct gh_str client_id, struct gh_str user_id) {
    enum gh_err e = gh_str_starts(family, gh_str_from(by_jti))
                        ? revoke_each(db, x, family)
                        : gh_change_bump(db, x, GH_EPOCH_GRANT, client_id, user_id);
    if (e)
        return e;
    return gh_db_run(db, GH_SQL_REFRESH_REVOKE_FAMILY,
                     GH_BINDS(GH_TEXT("family", family), GH_INT("now", gh_clock_milliseconds())), NULL);
}
