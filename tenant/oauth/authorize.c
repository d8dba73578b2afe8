/* tenant/oauth/authorize.c - GET and POST /authorize: a code at once for who is signed in and may, else the
 * way to the sign-in pages. */
#include "tenant/oauth/authorize.h"

#include "sys/clock.h"
#include "tenant/audit.h"
#include "tenant/login/cookie.h"
#include "tenant/login/page.h"
#include "tenant/login/session.h"
#include "tenant/login/transaction.h"
#include "tenant/oauth/answer.h"
#include "tenant/oauth/endpoints.h"
#include "tenant/oauth/person.h"
#include "tenant/record.h"

/* x->state while a code or a transaction is written. */
struct outcome {
    struct gh_transaction transaction; /* its auth is the request's */
    struct gh_session session;
    struct gh_str code;
    bool silent;
};

/* --- with a session --- */

static enum gh_err write_code(struct gh_db *db, struct gh_exchange *x) {
    struct outcome *o = x->state;
    const struct gh_authorization *auth = &o->transaction.auth;
    json_auto_t *user = NULL;
    enum gh_err e = gh_session_touch(db, &o->session);
    if (!e)
        e = gh_person_check(db, x->arena, auth, &user);
    if (!e)
        e = gh_code_make(db, x->arena, auth, &o->code);
    const struct gh_audit entry = {
        .type = "ssa",
        .description = "Silent authentication",
        .client_id = auth->client_id,
        .user_id = auth->user_id,
        .organization_id = auth->organization_id,
        .connection_id = auth->connection_id,
    };
    return e ? e : gh_audit_write(db, x, &entry);
}

static void code_written(struct gh_exchange *x) {
    struct outcome *o = x->state;
    if (!x->err)
        gh_answer_code(x, &o->transaction.auth, o->code);
    else if (x->err == GH_ERR_NOT_FOUND || x->err == GH_ERR_NO_PERMISSION) /* it changed under our hands */
        gh_answer_error(x, &o->transaction.auth, "login_required", GH_STR("Login required"));
    else
        gh_page_fail(x, x->err);
}

/* Does the session serve this request? NOT_FOUND when somebody has to sign in. */
static enum gh_err find_session(struct gh_exchange *x, const struct gh_authorize *r, struct outcome *o) {
    json_auto_t *user = NULL;
    struct gh_authorization *auth = &o->transaction.auth;
    if (r->fresh || auth->ask_organization)
        return GH_ERR_NOT_FOUND;
    enum gh_err e = gh_session_find(x, r->settings, &o->session);
    if (e)
        return e;
    if (r->max_age >= 0 &&
        gh_clock_seconds() - o->session.authenticated_at >= r->max_age) /* 0: always anew */
        return GH_ERR_NOT_FOUND;
    if (auth->connection_id.len > 0 && !gh_str_eq(auth->connection_id, o->session.connection_id))
        return GH_ERR_NOT_FOUND;

    struct gh_authorization with_user = *auth;
    with_user.user_id = o->session.user_id;
    with_user.connection_id = o->session.connection_id;
    with_user.sid = o->session.sid;
    with_user.auth_time = o->session.authenticated_at;
    /* Who is signed in but no member here (or blocked, or through another connection) is asked for another
     * account: the session says nothing in this organization. */
    e = gh_person_check(x->db, x->arena, &with_user, &user);
    if (e == GH_ERR_NO_PERMISSION)
        return GH_ERR_NOT_FOUND;
    *auth = with_user;
    return e;
}

/* --- without --- */

static enum gh_err write_transaction(struct gh_db *db, struct gh_exchange *x) {
    struct outcome *o = x->state;
    return gh_transaction_make(db, x->arena, &o->transaction);
}

static void transaction_written(struct gh_exchange *x) {
    struct outcome *o = x->state;
    const struct gh_authorization *auth = &o->transaction.auth;
    const char *page = auth->ask_organization                             ? "organization"
                       : auth->pick_organization && auth->user_id.len > 0 ? "organization-picker"
                                                                          : "login";
    struct gh_str to = gh_arena_printf(x->arena, "/u/%s?state=%.*s", page, GH_STR_FMT(o->transaction.id));
    if (x->err || !to.ptr)
        gh_page_fail(x, x->err ? x->err : GH_ERR_NOMEM);
    else {
        gh_response_header(x, "Cache-Control", GH_STR("no-store"));
        gh_respond_redirect(x, x->method == GH_POST ? 303 : 302, to);
    }
}

static void begin_sign_in(struct gh_exchange *x, struct outcome *o) {
    enum gh_err e = gh_cookie_browser(x, true, &o->transaction.browser_hash);
    if (e)
        gh_page_fail(x, e);
    else
        gh_await_write(x, write_transaction, transaction_written);
}

static void proceed(struct gh_exchange *x, const struct gh_authorize *r) {
    struct outcome *o = x->state = GH_NEW(x->arena, struct outcome);
    if (!o) {
        gh_page_fail(x, GH_ERR_NOMEM);
        return;
    }
    o->transaction.auth = r->auth;
    enum gh_err e = find_session(x, r, o);
    if (!e && !r->auth.pick_organization)
        gh_await_write(x, write_code, code_written);
    else if (e && e != GH_ERR_NOT_FOUND)
        gh_page_fail(x, e);
    else if (r->silent)
        gh_answer_error(x, &r->auth, "login_required", GH_STR("Login required"));
    else
        begin_sign_in(x, o);
}

/* The parameters of the query or the form, each at most once (RFC 6749 3.1). */
static enum gh_err read_params(struct gh_exchange *x, struct gh_authorize *r) {
    if (x->method == GH_POST)
        return gh_request_params(x, &r->params, &r->count);
    for (size_t i = 0; i < x->query_count; i++)
        for (size_t k = 0; k < i; k++)
            if (gh_str_eq(x->query[i].name, x->query[k].name))
                return GH_ERR_MALFORMED;
    r->params = x->query;
    r->count = x->query_count;
    return GH_OK;
}

static void refuse_page(struct gh_exchange *x, const struct gh_authorize *r, enum gh_err e) {
    if (e == GH_ERR_NO_PERMISSION)
        gh_page_error(x, 403, "Callback URL mismatch.",
                      GH_STR("The provided redirect_uri is not in the list of allowed callback URLs."));
    else if (e == GH_ERR_NOT_FOUND)
        gh_page_error(x, 400, "Invalid request", r->description);
    else if (gh_err_status(e) == 503)
        gh_page_fail(x, e);
    else
        gh_page_error(x, 400, "Invalid request",
                      GH_STR("The parameters are not well formed, or one is there twice."));
}

void gh_authorize(struct gh_exchange *x) {
    gh_auto(gh_authorize_release) struct gh_authorize r = { 0 };
    enum gh_err e = read_params(x, &r);
    if (!e)
        e = gh_authorize_identify(x, &r);
    if (e) {
        refuse_page(x, &r, e);
        return;
    }
    e = gh_authorize_check(x, &r);
    if (e)
        gh_page_fail(x, e);
    else if (r.error)
        gh_answer_error(x, &r.auth, r.error, r.description);
    else
        proceed(x, &r);
}
