/* tenant/api/security.c - the one table of what a security change revokes (DESIGN, rule 7). Tokens issued at
 * or before an epoch are refused by tenant and gateway alike from the moment the call is answered. */
#include "tenant/api/security.h"

#include "feed/feed.h"
#include "tenant/change.h"

struct effect {
    enum gh_epoch_kind kind;
    bool direct;      /* the epoch of (a, b) itself, or: */
    enum gh_sql whom; /* of each pair that this statement gives */
    bool uses_b;
};

/* clang-format off */
static const struct effect effects[][3] = {
    [GH_REVOKE_MEMBER] = { { GH_EPOCH_MEMBER, true } },
    [GH_REVOKE_ORGANIZATION] = { { GH_EPOCH_ORGANIZATION, true } },
    [GH_REVOKE_ORGANIZATION_CONNECTION] = {
        { GH_EPOCH_MEMBER, false, GH_SQL_MEMBERS_OF_ORGANIZATION_BY_CONNECTION, true } },
    [GH_REVOKE_CONNECTION] = { { GH_EPOCH_USER, false, GH_SQL_USERS_OF_CONNECTION, false } },
    [GH_REVOKE_ROLE] = {
        { GH_EPOCH_MEMBER, false, GH_SQL_HOLDERS_OF_ROLE_IN_ORGANIZATIONS, false },
        { GH_EPOCH_USER, false, GH_SQL_HOLDERS_OF_ROLE, false } },
    [GH_REVOKE_USER] = { { GH_EPOCH_USER, true } },
    [GH_REVOKE_CLIENT] = { { GH_EPOCH_CLIENT, true } },
    [GH_REVOKE_API] = { { GH_EPOCH_AUDIENCE, true } },
};
/* clang-format on */

static enum gh_err bump_each(struct gh_db *db, struct gh_call *c, const struct effect *effect,
                             struct gh_str a, struct gh_str b) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    const struct gh_bind binds[] = { GH_TEXT("a", a), GH_TEXT("b", b) };
    bool has = false;
    enum gh_err e = gh_db_query(db, effect->whom, binds, effect->uses_b ? 2 : 1, &rows);
    while (!e && !(e = gh_rows_next(&rows, &has)) && has) {
        struct gh_str first = gh_arena_dup(c->x->arena, gh_rows_text(&rows, 0));
        struct gh_str second = gh_arena_dup(c->x->arena, gh_rows_text(&rows, 1));
        e = first.ptr && second.ptr ? gh_change_bump(db, c->x, effect->kind, first, second) : GH_ERR_NOMEM;
    }
    return e;
}

enum gh_err gh_security_changed(struct gh_db *db, struct gh_call *c, enum gh_security_change what,
                                struct gh_str a, struct gh_str b) {
    enum gh_err e = GH_OK;
    for (size_t i = 0; i < GH_COUNT(effects[0]) && !e; i++) {
        const struct effect *effect = &effects[what][i];
        if (effect->direct)
            e = gh_change_bump(db, c->x, effect->kind, a, b);
        else if (effect->kind != GH_EPOCH_GLOBAL) /* the unused rest of a row */
            e = bump_each(db, c, effect, a, b);
    }
    return e;
}
