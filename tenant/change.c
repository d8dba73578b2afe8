#include "tenant/change.h"

#include "sys/log.h"
#include "tenant/exchange_private.h"
#include "tenant/moment.h"

enum gh_err gh_change_bump(struct gh_db *db, struct gh_exchange *x, enum gh_epoch_kind kind, struct gh_str a,
                           struct gh_str b) {
    if (kind == GH_EPOCH_SUSPENDED)
        return GH_ERR_UNSUPPORTED; /* a state, not a moment */
    struct gh_change *c = GH_NEW(x->arena, struct gh_change);
    if (!c)
        return GH_ERR_NOMEM;
    *c = (struct gh_change){ .kind = kind,
                             .a = gh_arena_dup(x->arena, a),
                             .b = gh_arena_dup(x->arena, b),
                             .epoch = gh_moment_seconds(),
                             .next = x->private->changes };
    if (!c->a.ptr || !c->b.ptr)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_db_run(
        db, GH_SQL_EPOCH_RAISE,
        GH_BINDS(GH_INT("kind", kind), GH_TEXT("a", c->a), GH_TEXT("b", c->b), GH_INT("epoch", c->epoch)),
        NULL);
    if (!e)
        x->private->changes = c;
    return e;
}

/* One epoch that cannot be told would leave revoked tokens valid: then all tokens are refused, which needs no
 * room in the feed. Failing that too, the caller must not believe the change is effective. */
static enum gh_err publish(struct gh_feed_writer *w, const struct gh_change *c) {
    enum gh_err e = gh_feed_set_epoch(w, c->kind, c->a, c->b, c->epoch);
    if (!e)
        return GH_OK;
    gh_log(GH_LOG_ERROR, "tenant.publish_failed", "kind", "%d", (int)c->kind, "error", "%s", gh_err_name(e),
           "effect", "%s", "every token is revoked", NULL);
    return gh_feed_set_epoch(w, GH_EPOCH_GLOBAL, (struct gh_str){ 0 }, (struct gh_str){ 0 }, c->epoch);
}

/* With the time of now, after COMMIT: until then others read the state before the change, and what they issue
 * from it may be dated in a later second than the one in which the closure ran. */
enum gh_err gh_change_publish(struct gh_exchange *x) {
    enum gh_err ret = GH_OK;
    long long now = gh_moment_seconds();
    for (const struct gh_change *c = x->private->changes; c; c = c->next) {
        struct gh_change effective = *c;
        if (effective.epoch < now)
            effective.epoch = now;
        enum gh_err e = publish(x->tenant->feed_writer, &effective);
        if (e && !ret) {
            gh_log(GH_LOG_ERROR, "tenant.change_not_effective", "request_id", "%.*s",
                   GH_STR_FMT(x->request_id), "error", "%s", gh_err_name(e), NULL);
            ret = GH_ERR_FEED;
        }
    }
    return ret;
}

enum gh_err gh_change_republish(struct gh_db *db, struct gh_tenant *t) {
    struct gh_rows rows;
    bool more = false;
    enum gh_err e = gh_db_query(db, GH_SQL_EPOCHS_ALL, NULL, 0, &rows);
    if (e)
        return e;
    while (!(e = gh_rows_next(&rows, &more)) && more) {
        struct gh_change c = { .kind = (enum gh_epoch_kind)gh_rows_int(&rows, 0),
                               .a = gh_rows_text(&rows, 1),
                               .b = gh_rows_text(&rows, 2),
                               .epoch = gh_rows_int(&rows, 3) };
        if ((e = publish(t->feed_writer, &c)))
            break;
    }
    gh_rows_end(&rows);
    return e;
}

enum gh_err gh_change_newest(struct gh_tenant *t, struct gh_str user, struct gh_str organization,
                             struct gh_str client, long long *ret) {
    const struct {
        bool asked;
        enum gh_epoch_kind kind;
        struct gh_str a, b;
    } parts[] = {
        { true, GH_EPOCH_GLOBAL, { 0 }, { 0 } },
        { user.len > 0, GH_EPOCH_USER, user, { 0 } },
        { organization.len > 0, GH_EPOCH_ORGANIZATION, organization, { 0 } },
        { client.len > 0, GH_EPOCH_CLIENT, client, { 0 } },
        { user.len > 0 && organization.len > 0, GH_EPOCH_MEMBER, organization, user },
    };
    long long newest = 0;
    for (size_t i = 0; i < GH_COUNT(parts); i++) {
        long long epoch = 0;
        if (!parts[i].asked)
            continue;
        enum gh_err e = gh_feed_epoch(t->feed, parts[i].kind, parts[i].a, parts[i].b, &epoch);
        if (e)
            return e;
        if (epoch > newest)
            newest = epoch;
    }
    *ret = newest;
    return GH_OK;
}
