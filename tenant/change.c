#include "tenant/change.h"

#include <stdio.h>

#include "sys/log.h"
#include "sys/random.h"
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
    enum gh_err e = gh_change_number(db, (int)kind, c->a, c->b, c->epoch, &c->seq);
    if (!e)
        x->private->changes = c;
    return e;
}

enum gh_err gh_change_number(struct gh_db *db, int kind, struct gh_str a, struct gh_str b, long long epoch,
                             long long *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    enum gh_err e = gh_db_query(
        db, GH_SQL_EPOCH_RAISE,
        GH_BINDS(GH_INT("kind", kind), GH_TEXT("a", a), GH_TEXT("b", b), GH_INT("epoch", epoch)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (!e && !found)
        e = GH_ERR_STORAGE;
    if (e)
        return e;
    *ret = gh_rows_int(&rows, 0);
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

/* A mark that cannot be set only makes the next start revoke more. */
static void mark(struct gh_tenant *t, long long seq) {
    if (gh_feed_set_epoch(t->feed_writer, GH_EPOCH_SUSPENDED, told, (struct gh_str){ 0 }, seq))
        gh_log(GH_LOG_WARN, "tenant.mark_failed", "seq", "%lld", seq, NULL);
    t->told = seq;
}

void gh_change_told(struct gh_exchange *x) {
    long long newest = x->tenant->told;
    for (const struct gh_change *c = x->private->changes; c; c = c->next)
        newest = c->seq > newest ? c->seq : newest;
    for (const struct gh_fact_change *c = x->private->facts; c; c = c->next)
        newest = c->seq > newest ? c->seq : newest;
    if (newest > x->tenant->told)
        mark(x->tenant, newest);
}

/* Does the feed know the change, from before? */
static enum gh_err is_told(struct gh_tenant *t, const struct gh_change *c, long long up_to, long long global,
                           bool *ret) {
    long long known = 0;
    enum gh_err e = gh_feed_epoch(t->feed, c->kind, c->a, c->b, &known);
    *ret = c->seq <= up_to && (known >= c->epoch || global >= c->epoch);
    return e;
}

/* A number of 36 bits, made once for each database. */
static enum gh_err know_log(struct gh_db *db, struct gh_tenant *t) {
    const struct gh_str name = GH_STR("change_log");
    struct gh_rows rows;
    bool found = false;
    unsigned long long id = 0;
    char text[24];
    enum gh_err e = gh_db_query(db, GH_SQL_SETTING_GET, GH_BINDS(GH_TEXT("name", name)), &rows);
    if (e)
        return e;
    e = gh_rows_next(&rows, &found);
    if (!e && found && !gh_str_to_u64(gh_rows_text(&rows, 0), 1ULL << 36, &id))
        e = GH_ERR_STORAGE;
    gh_rows_end(&rows);
    if (!e && !found)
        e = gh_random_bytes(&id, sizeof id);
    t->log_id = (long long)(found ? id : (id & 0xfffffffff) | 1);
    if (e || found)
        return e;
    struct gh_str doc = { text, (size_t)snprintf(text, sizeof text, "%lld", t->log_id) };
    return gh_db_run(db, GH_SQL_SETTING_PUT, GH_BINDS(GH_TEXT("name", name), GH_TEXT("doc", doc)), NULL);
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
        newest = c.seq > newest ? c.seq : newest;
        if (gh_rows_int(&rows, 0) >= GH_CHANGE_FACT)
            continue; /* tenant/facts.c tells them all */
        if ((e = is_told(t, &c, up_to, global, &known)))
            break;
        if (!known && c.epoch < gh_moment_seconds())
            c.epoch = gh_moment_seconds();
        if ((e = publish(t->feed_writer, &c)))
            break;
    }
    gh_rows_end(&rows);
    if (!e && newest)
        mark(t, newest);
    return e ? e : know_log(db, t);
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
