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
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    enum gh_err e = gh_db_query(
        db, GH_SQL_EPOCH_RAISE,
        GH_BINDS(GH_INT("kind", kind), GH_TEXT("a", c->a), GH_TEXT("b", c->b), GH_INT("epoch", c->epoch)),
        &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (!e && !found)
        e = GH_ERR_STORAGE;
    if (e)
        return e;
    c->seq = gh_rows_int(&rows, 0);
    x->private->changes = c;
    return GH_OK;
}

/* How far the feed has been told, as a number in the feed itself: what is stored behind it was never told. It
 * shares SUSPENDED's rule, "as it was set", under a name that no organization has. */
static const struct gh_str told = { "gatehouse:told", 14 };

static enum gh_err told_so_far(struct gh_tenant *t, long long *ret) {
    return gh_feed_epoch(t->feed, GH_EPOCH_SUSPENDED, told, (struct gh_str){ 0 }, ret);
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
    long long now = gh_moment_seconds(), newest = 0;
    for (const struct gh_change *c = x->private->changes; c; c = c->next) {
        struct gh_change effective = *c;
        if (effective.epoch < now)
            effective.epoch = now;
        enum gh_err e = publish(x->tenant->feed_writer, &effective);
        if (c->seq > newest)
            newest = c->seq;
        if (e && !ret) {
            gh_log(GH_LOG_ERROR, "tenant.change_not_effective", "request_id", "%.*s",
                   GH_STR_FMT(x->request_id), "error", "%s", gh_err_name(e), NULL);
            ret = GH_ERR_FEED;
        }
    }
    /* A mark that is missing only makes the next start revoke more. */
    if (newest && !ret)
        (void)!gh_feed_set_epoch(x->tenant->feed_writer, GH_EPOCH_SUSPENDED, told, (struct gh_str){ 0 },
                                 newest);
    return ret;
}

/* Does the feed know the change, from before? */
static enum gh_err is_told(struct gh_tenant *t, const struct gh_change *c, long long up_to, long long global,
                           bool *ret) {
    long long known = 0;
    enum gh_err e = gh_feed_epoch(t->feed, c->kind, c->a, c->b, &known);
    *ret = c->seq <= up_to && (known >= c->epoch || global >= c->epoch);
    return e;
}

enum gh_err gh_change_republish(struct gh_db *db, struct gh_tenant *t) {
    struct gh_rows rows;
    bool more = false;
    long long up_to = 0, newest = 0, global = 0;
    enum gh_err e = told_so_far(t, &up_to);
    if (!e)
        e = gh_feed_epoch(t->feed, GH_EPOCH_GLOBAL, (struct gh_str){ 0 }, (struct gh_str){ 0 }, &global);
    if (!e)
        e = gh_db_query(db, GH_SQL_EPOCHS_ALL, NULL, 0, &rows);
    if (e)
        return e;
    while (!(e = gh_rows_next(&rows, &more)) && more) {
        struct gh_change c = { .kind = (enum gh_epoch_kind)gh_rows_int(&rows, 0),
                               .a = gh_rows_text(&rows, 1),
                               .b = gh_rows_text(&rows, 2),
                               .epoch = gh_rows_int(&rows, 3),
                               .seq = gh_rows_int(&rows, 4) };
        bool known = false;
        if ((e = is_told(t, &c, up_to, global, &known)))
            break;
        if (!known && c.epoch < gh_moment_seconds())
            c.epoch = gh_moment_seconds();
        if ((e = publish(t->feed_writer, &c)))
            break;
        newest = c.seq > newest ? c.seq : newest;
    }
    gh_rows_end(&rows);
    if (!e && newest)
        e = gh_feed_set_epoch(t->feed_writer, GH_EPOCH_SUSPENDED, told, (struct gh_str){ 0 }, newest);
    return e;
}

enum gh_err gh_change_newest(struct gh_tenant *t, struct gh_str user, struct gh_str organization,
                             struct gh_str client, struct gh_str audience, long long *ret) {
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
        { user.len > 0 && client.len > 0, GH_EPOCH_GRANT, client, user },
        { audience.len > 0, GH_EPOCH_AUDIENCE, audience, { 0 } },
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
