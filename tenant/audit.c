#include "tenant/audit.h"

#include <stdlib.h>

#include "sys/clock.h"
#include "sys/random.h"
#include "tenant/exchange_private.h"

static bool set_text(json_t *doc, const char *name, struct gh_str value) {
    return value.len == 0 || json_object_set_new(doc, name, json_stringn(value.ptr, value.len)) == 0;
}

/* The members that Auth0's log events have, and the request id by which the gateway's lines are found. */
static json_t *build(struct gh_exchange *x, const struct gh_audit *entry, struct gh_str id, long long now) {
    char date[25];
    gh_clock_format_iso(now, date);
    json_t *doc = json_pack("{s:s#, s:s#, s:s, s:s}", "log_id", id.ptr, (int)id.len, "date", date, 24, "type",
                            entry->type, "description", entry->description ? entry->description : "");
    bool ok = doc && set_text(doc, "request_id", x->request_id) && set_text(doc, "ip", x->client_ip) &&
              set_text(doc, "user_agent", x->user_agent) && set_text(doc, "client_id", entry->client_id) &&
              set_text(doc, "user_id", entry->user_id) &&
              set_text(doc, "organization_id", entry->organization_id) &&
              set_text(doc, "connection_id", entry->connection_id) &&
              (!entry->details || json_object_set(doc, "details", entry->details) == 0);
    if (!ok) {
        json_decref(doc);
        return NULL;
    }
    return doc;
}

enum gh_err gh_audit_write(struct gh_db *db, struct gh_exchange *x, const struct gh_audit *entry) {
    long long now = gh_clock_milliseconds();
    struct gh_str id;
    enum gh_err e = gh_random_id(x->arena, "log_", 24, &id);
    if (e)
        return e;
    json_t *doc = build(x, entry, id, now);
    char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
    e = !text ? GH_ERR_NOMEM
              : gh_db_run(db, GH_SQL_LOG_INSERT,
                          GH_BINDS(GH_TEXT("id", id), GH_INT("created_at", now),
                                   GH_TEXT("type", gh_str_from(entry->type)),
                                   GH_TEXT("doc", gh_str_from(text))),
                          NULL);
    free(text);
    json_decref(doc);
    return e;
}
