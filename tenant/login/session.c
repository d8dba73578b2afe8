#include "tenant/login/session.h"

#include "sys/clock.h"
#include "sys/random.h"
#include "tenant/login/cookie.h"
#include "tenant/record.h"
#include "tenant/seal.h"

enum { HOURS = 168, IDLE_HOURS = 72, HOURS_MAX = 8760 };

/* The settings are in hours, and may be fractions. */
static long long seconds_of(const json_t *settings, const char *name, int fallback) {
    const json_t *value = json_object_get(settings, name);
    double hours = json_is_number(value) ? json_number_value(value) : fallback;
    if (!(hours > 0) || hours > HOURS_MAX)
        hours = fallback;
    return (long long)(hours * 3600);
}

long long gh_session_lifetime(const json_t *settings) {
    return seconds_of(settings, "session_lifetime", HOURS);
}

enum gh_err gh_session_hash(struct gh_exchange *x, struct gh_str *ret) {
    struct gh_str value;
    *ret = (struct gh_str){ 0 };
    if (!gh_request_cookie(x, GH_COOKIE_SESSION, &value) || value.len == 0)
        return GH_OK;
    return gh_token_hash(x->arena, value, ret);
}

enum gh_err gh_session_find(struct gh_exchange *x, const json_t *settings, struct gh_session *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    long long now = gh_clock_milliseconds();
    bool found = false;
    *ret = (struct gh_session){ 0 };
    enum gh_err e = gh_session_hash(x, &ret->hash);
    if (e || ret->hash.len == 0)
        return e ? e : GH_ERR_NOT_FOUND;
    e = gh_db_query(x->db, GH_SQL_SESSION_GET, GH_BINDS(GH_TEXT("hash", ret->hash), GH_INT("now", now)),
                    &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e)
        return e;
    if (!found ||
        gh_rows_int(&rows, 3) + seconds_of(settings, "idle_session_lifetime", IDLE_HOURS) * 1000 < now)
        return GH_ERR_NOT_FOUND;
    ret->sid = gh_arena_dup(x->arena, gh_rows_text(&rows, 0));
    ret->user_id = gh_arena_dup(x->arena, gh_rows_text(&rows, 1));
    ret->authenticated_at = gh_rows_int(&rows, 2) / 1000;
    struct gh_str text = gh_rows_text(&rows, 4);
    json_auto_t *doc = json_loadb(text.ptr, text.len, 0, NULL);
    ret->connection_id = gh_arena_dup(x->arena, gh_doc_string(doc, "connection_id"));
    return ret->sid.ptr && ret->user_id.ptr && ret->connection_id.ptr ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err end(struct gh_db *db, struct gh_str hash) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found;
    enum gh_err e = gh_db_query(db, GH_SQL_SESSION_DELETE, GH_BINDS(GH_TEXT("hash", hash)), &rows);
    return e ? e : gh_rows_next(&rows, &found);
}

enum gh_err gh_session_make(struct gh_db *db, struct gh_arena *a, struct gh_str user_id,
                            struct gh_str connection_id, long long lifetime, struct gh_str replaces,
                            struct gh_session *ret, struct gh_str *cookie) {
    long long now = gh_clock_milliseconds();
    *ret = (struct gh_session){ .user_id = user_id,
                                .connection_id = connection_id,
                                .authenticated_at = now / 1000 };
    json_auto_t *doc = json_pack("{s:s%}", "connection_id", connection_id.ptr, connection_id.len);
    char text[256];
    size_t size = json_dumpb(doc, text, sizeof text, JSON_COMPACT);
    if (size == 0 || size > sizeof text)
        return GH_ERR_NOMEM;
    enum gh_err e = replaces.len > 0 ? end(db, replaces) : GH_OK;
    if (!e)
        e = gh_random_urlsafe(a, 43, cookie);
    if (!e)
        e = gh_token_hash(a, *cookie, &ret->hash);
    if (!e)
        e = gh_random_urlsafe(a, 32, &ret->sid);
    if (!e)
        e = gh_db_run(db, GH_SQL_SESSION_PURGE, GH_BINDS(GH_INT("before", now)), NULL);
    if (!e)
        e = gh_db_run(db, GH_SQL_SESSION_INSERT,
                      GH_BINDS(GH_TEXT("hash", ret->hash), GH_TEXT("sid", ret->sid), GH_TEXT("user", user_id),
                               GH_INT("now", now), GH_INT("expires_at", now + lifetime * 1000),
                               GH_TEXT("doc", ((struct gh_str){ text, size }))),
                      NULL);
    return e;
}

enum gh_err gh_session_touch(struct gh_db *db, const struct gh_session *s) {
    long long changes = 0;
    enum gh_err e =
        gh_db_run(db, GH_SQL_SESSION_TOUCH,
                  GH_BINDS(GH_TEXT("hash", s->hash), GH_INT("now", gh_clock_milliseconds())), &changes);
    return e ? e : changes == 1 ? GH_OK : GH_ERR_NOT_FOUND;
}
