/* tenant/login/logout.c - GET /v2/logout: ends the session and goes to an address of the allow-list, or says
 * that it is done. The address is checked first: a link that lies about where it leads does nothing. */
#include "tenant/audit.h"
#include "tenant/login/cookie.h"
#include "tenant/login/endpoints.h"
#include "tenant/login/page.h"
#include "tenant/login/session.h"
#include "tenant/oauth/redirect.h"
#include "tenant/record.h"

struct leaving {
    struct gh_str hash; /* of the session; empty: none */
    struct gh_str to;   /* empty: a page */
    struct gh_str client_id;
};

static enum gh_err end_session(struct gh_db *db, struct gh_exchange *x) {
    const struct leaving *l = x->state;
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    enum gh_err e = gh_db_query(db, GH_SQL_SESSION_DELETE, GH_BINDS(GH_TEXT("hash", l->hash)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e || !found)
        return e;
    const struct gh_audit entry = {
        .type = "slo",
        .description = "User successfully logged out",
        .client_id = l->client_id,
        .user_id = gh_arena_dup(x->arena, gh_rows_text(&rows, 0)),
    };
    return gh_audit_write(db, x, &entry);
}

static void ended(struct gh_exchange *x) {
    const struct leaving *l = x->state;
    if (x->err) {
        gh_page_fail(x, x->err);
        return;
    }
    gh_cookie_clear(x, GH_COOKIE_SESSION);
    if (l->to.len == 0) {
        gh_page_error(x, 200, "You are logged out", GH_STR("You can close this page."));
        return;
    }
    gh_response_header(x, "Cache-Control", GH_STR("no-store"));
    gh_respond_redirect(x, 302, l->to);
}

/* With a client its own list counts, without one the tenant's. NOT_FOUND: unknown client; NO_PERMISSION: not
 * listed. */
static enum gh_err find_address(struct gh_exchange *x, struct leaving *l) {
    json_auto_t *client = NULL, *settings = NULL;
    struct gh_str to = { 0 };
    enum gh_err e = GH_OK;
    if (gh_request_query(x, "client_id", &l->client_id) && l->client_id.len > 0)
        e = gh_record_get(x->db, GH_CLIENTS, l->client_id, &client);
    if (!e && !client)
        e = gh_settings_get(x->db, &settings);
    if (e)
        return e;
    const json_t *list = json_object_get(client ? client : settings, "allowed_logout_urls");
    if (gh_request_query(x, "returnTo", &to) && to.len > 0) {
        l->to = to;
        return gh_redirect_allowed(list, to) ? GH_OK : GH_ERR_NO_PERMISSION;
    }
    const json_t *first = json_array_get(list, 0);
    to = (struct gh_str){ json_string_value(first), json_string_length(first) };
    if (to.len > 0 && gh_redirect_sane(to))
        l->to = gh_arena_dup(x->arena, to);
    return GH_OK;
}

void gh_logout(struct gh_exchange *x) {
    struct leaving *l = x->state = GH_NEW(x->arena, struct leaving);
    enum gh_err e = l ? find_address(x, l) : GH_ERR_NOMEM;
    if (!e)
        e = gh_session_hash(x, &l->hash);
    if (e == GH_ERR_NOT_FOUND)
        gh_page_error(x, 400, "Invalid request", GH_STR("Unknown client"));
    else if (e == GH_ERR_NO_PERMISSION)
        gh_page_error(x, 400, "Invalid request",
                      GH_STR("The \"returnTo\" querystring parameter is not defined as a valid URL in "
                             "\"Allowed Logout URLs\""));
    else if (e)
        gh_page_fail(x, e);
    else if (l->hash.len == 0) {
        x->err = GH_OK;
        ended(x);
    } else
        gh_await_write(x, end_session, ended);
}
