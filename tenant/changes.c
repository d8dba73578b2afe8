#include "tenant/changes.h"

#include "core/bearer.h"
#include "core/decide.h"
#include "feed/epochs.h"
#include "feed/names.h"
#include "sys/clock.h"
#include "tenant/change.h"
#include "tenant/keys.h"
#include "tenant/oauth/scope.h"

enum { WAIT_MAX = 20, LOOK_MS = 50 };
#define SCOPE GH_STR("read:gatehouse_changes")

struct poll {
    long long since, global;
    long long until; /* unix ms */
};

static void refuse(struct gh_exchange *x, enum gh_err e) {
    int status = gh_err_status(e);
    if (status == 401)
        gh_response_header(x, "WWW-Authenticate", GH_STR("Bearer"));
    gh_respond_json(x, status, json_pack("{s:s, s:s}", "error", gh_err_name(e), "message", gh_err_text(e)));
}

static enum gh_err judge(struct gh_exchange *x) {
    struct gh_tenant *t = x->tenant;
    struct gh_str header, token;
    struct gh_claims claims;
    struct gh_epochs epochs;
    struct gh_scopes scopes;
    if (!gh_request_header(x, "Authorization", &header))
        return GH_ERR_NO_TOKEN;
    enum gh_err e = gh_bearer_parse(header, &token);
    if (!e)
        e = gh_token_open(x->arena, token, gh_keys_find, t, &claims);
    if (!e)
        e = gh_feed_epochs_of(t->feed, &claims, t->management_audience, &epochs);
    if (e)
        return e;
    const struct gh_policy policy = {
        .issuer = t->issuer,
        .audience = t->management_audience,
        .organization_rule = GH_ORG_OPTIONAL,
    };
    e = gh_decide(&policy, &claims, &epochs, gh_clock_seconds()).err;
    if (!e)
        e = gh_scopes_parse(x->arena, claims.scope, &scopes);
    return e ? e : gh_scopes_have(&scopes, SCOPE) ? GH_OK : GH_ERR_NO_PERMISSION;
}

/* --- the answer --- */

static json_t *text_of(struct gh_str s) {
    return json_stringn(s.ptr ? s.ptr : "", s.len);
}

/* What the feed says now: it may be later than the row, and never older. */
static enum gh_err epoch_item(struct gh_tenant *t, struct gh_rows *row, json_t **ret) {
    enum gh_epoch_kind kind = (enum gh_epoch_kind)gh_rows_int(row, 0);
    struct gh_str a = gh_rows_text(row, 1), b = gh_rows_text(row, 2);
    long long stored = gh_rows_int(row, 3), told = 0;
    const char *name = gh_epoch_name(kind);
    enum gh_err e = name ? gh_feed_epoch(t->feed, kind, a, b, &told) : GH_ERR_STORAGE;
    if (!e)
        *ret = json_pack("{s:s, s:o, s:o, s:I}", "kind", name, "a", text_of(a), "b", text_of(b), "epoch",
                         (json_int_t)(told > stored ? told : stored));
    return e;
}

static enum gh_err fact_item(struct gh_tenant *t, struct gh_rows *row, json_t **ret) {
    enum gh_fact_kind kind = (enum gh_fact_kind)(gh_rows_int(row, 0) - GH_CHANGE_FACT);
    struct gh_str a = gh_rows_text(row, 1);
    struct gh_fact fact;
    const char *name = gh_fact_name(kind);
    enum gh_err e = name ? gh_feed_fact(t->feed, kind, t->issuer, a, &fact) : GH_ERR_STORAGE;
    if (e && e != GH_ERR_NOT_FOUND)
        return e;
    *ret = json_pack("{s:s, s:o, s:o*}", "kind", name, "a", text_of(a), "text",
                     e ? NULL : json_stringn(fact.text, fact.len));
    return GH_OK;
}

static enum gh_err list(struct gh_exchange *x, long long since, long long up_to, json_t *changes,
                        long long *last) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool more = false;
    enum gh_err e = gh_db_query(x->db, GH_SQL_CHANGES_SINCE,
                                GH_BINDS(GH_INT("since", since), GH_INT("up_to", up_to)), &rows);
    while (!e && !(e = gh_rows_next(&rows, &more)) && more) {
        json_t *item = NULL;
        bool fact = gh_rows_int(&rows, 0) >= GH_CHANGE_FACT;
        e = fact ? fact_item(x->tenant, &rows, &item) : epoch_item(x->tenant, &rows, &item);
        if (!e && json_array_append_new(changes, item))
            e = GH_ERR_NOMEM;
        *last = gh_rows_int(&rows, 4);
    }
    return e;
}

static void answer(struct gh_exchange *x) {
    const struct poll *p = x->state;
    json_t *changes = json_array();
    long long up_to = x->tenant->told, last = p->since, global = 0;
    enum gh_err e = changes ? GH_OK : GH_ERR_NOMEM;
    if (!e)
        e = gh_feed_epoch(x->tenant->feed, GH_EPOCH_GLOBAL, (struct gh_str){ 0 }, (struct gh_str){ 0 },
                          &global);
    if (!e)
        e = list(x, p->since, up_to, changes, &last);
    if (e) {
        json_decref(changes);
        refuse(x, e);
        return;
    }
    /* A short page is the last: rows that stood before `up_to` have moved behind it. */
    bool more = json_array_size(changes) == 500;
    gh_response_header(x, "Cache-Control", GH_STR("no-store"));
    gh_respond_json(x, 200,
                    json_pack("{s:I, s:I, s:b, s:I, s:o}", "log", (json_int_t)x->tenant->log_id, "sequence",
                              (json_int_t)(more ? last : up_to), "more", more, "global", (json_int_t)global,
                              "changes", changes));
}

static void wait_for_news(struct gh_exchange *x) {
    const struct poll *p = x->state;
    long long global = 0, now = gh_clock_milliseconds();
    enum gh_err e =
        gh_feed_epoch(x->tenant->feed, GH_EPOCH_GLOBAL, (struct gh_str){ 0 }, (struct gh_str){ 0 }, &global);
    if (e)
        refuse(x, e);
    else if (x->tenant->told > p->since || global > p->global || now >= p->until)
        answer(x);
    else
        gh_await_time(x, now + LOOK_MS, wait_for_news);
}

static bool number(struct gh_exchange *x, const char *name, unsigned long long max, long long *ret) {
    struct gh_str text;
    unsigned long long n = 0;
    bool fine = !gh_request_query(x, name, &text) || gh_str_to_u64(text, max, &n);
    *ret = (long long)n;
    return fine;
}

static void changes(struct gh_exchange *x) {
    struct poll *p = x->state = GH_NEW(x->arena, struct poll);
    long long log, wait;
    enum gh_err e = p ? judge(x) : GH_ERR_NOMEM;
    if (!e && (!number(x, "since", 1ULL << 53, &p->since) || !number(x, "global", 1ULL << 53, &p->global) ||
               !number(x, "log", 1ULL << 53, &log) || !number(x, "wait", WAIT_MAX, &wait)))
        e = GH_ERR_MALFORMED;
    if (e) {
        refuse(x, e);
        return;
    }
    if (log != x->tenant->log_id || p->since > x->tenant->told) {
        p->since = 0;
        wait = 0;
    }
    p->until = gh_clock_milliseconds() + wait * 1000;
    wait_for_news(x);
}

const struct gh_route gh_changes_routes[] = {
    { GH_GET, "/gatehouse/changes", changes },
};
const size_t gh_changes_route_count = GH_COUNT(gh_changes_routes);
