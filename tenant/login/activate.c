/* tenant/login/activate.c - a person lets a device in (RFC 8628 3.3): /activate takes the code, /u/login asks
 * who it is, /u/device says which application would act in whose name and organization, and takes yes or no.
 *
 * Somebody may have been sent here with a code that a stranger's device shows (5.4). So a password is always
 * asked for, whatever session there is, and nothing happens before the button on a page that names all this.
 */
#include "sys/clock.h"
#include "tenant/audit.h"
#include "tenant/login/attempts.h"
#include "tenant/login/cookie.h"
#include "tenant/login/endpoints.h"
#include "tenant/login/session.h"
#include "tenant/login/visit.h"
#include "tenant/oauth/device.h"
#include "tenant/oauth/person.h"
#include "tenant/oauth/user_code.h"
#include "tenant/record.h"

/* No login looks like it: they are in small letters (sign_in.c). */
#define ATTEMPTS_OF GH_STR("USER CODE")

enum { SHOWN_MAX = 64 };

/* x->state of POST /u/device */
struct decision {
    struct gh_transaction transaction;
    struct gh_session session;
    bool approved;
};

/* --- the code --- */

static void code_page(struct gh_exchange *x, int status, struct gh_str typed, const char *error) {
    if (typed.len > SHOWN_MAX)
        typed = (struct gh_str){ 0 };
    gh_page_answer(
        x, status, GH_PAGE_ACTIVATE,
        json_pack("{s:s%, s:s*}", "user_code", typed.ptr ? typed.ptr : "", typed.len, "error", error), NULL,
        (struct gh_str){ 0 });
}

void gh_activate_show(struct gh_exchange *x) {
    struct gh_str code = { 0 }, spelled;
    gh_request_query(x, "user_code", &code);
    if (gh_user_code_read(x->arena, code, &spelled) == GH_OK)
        code_page(x, 200, spelled, NULL);
    else
        code_page(x, 200, (struct gh_str){ 0 }, NULL);
}

static enum gh_err write_transaction(struct gh_db *db, struct gh_exchange *x) {
    return gh_transaction_make(db, x->arena, x->state);
}

static void transaction_written(struct gh_exchange *x) {
    const struct gh_transaction *t = x->state;
    struct gh_str to = gh_arena_printf(x->arena, "/u/login?state=%.*s", GH_STR_FMT(t->id));
    if (x->err || !to.ptr) {
        gh_page_fail(x, x->err ? x->err : GH_ERR_NOMEM);
        return;
    }
    gh_response_header(x, "Cache-Control", GH_STR("no-store"));
    gh_respond_redirect(x, 303, to);
}

static enum gh_err find(struct gh_exchange *x, struct gh_str typed, struct gh_transaction *t) {
    struct gh_str code;
    enum gh_err e = gh_user_code_read(x->arena, typed, &code);
    if (e == GH_ERR_MALFORMED)
        return GH_ERR_NOT_FOUND;
    if (!e)
        e = gh_device_find(x, code, &t->auth);
    return e ? e : gh_cookie_browser(x, true, &t->browser_hash);
}

void gh_activate_submit(struct gh_exchange *x) {
    const struct gh_param *params = NULL;
    size_t count = 0;
    struct gh_str typed = { 0 };
    bool blocked = false;
    struct gh_transaction *t = x->state = GH_NEW(x->arena, struct gh_transaction);
    if (!gh_same_origin(x)) {
        gh_page_error(x, 403, "Request refused", GH_STR("This form was sent by another site."));
        return;
    }
    enum gh_err e =
        t ? gh_attempts_take(ATTEMPTS_OF, x->client_ip, gh_clock_seconds(), &blocked) : GH_ERR_NOMEM;
    if (!e && blocked) {
        code_page(x, 429, typed, "Too many codes were tried. Please wait 15 minutes and try again.");
        return;
    }
    if (!e && gh_request_params(x, &params, &count) == GH_OK)
        gh_param_find(params, count, "user_code", &typed);
    if (!e)
        e = find(x, typed, t);
    if (e == GH_ERR_NOT_FOUND)
        code_page(x, 400, typed, "This code is not valid, has expired, or was used already");
    else if (e)
        gh_page_fail(x, e);
    else {
        gh_attempts_excuse(ATTEMPTS_OF, x->client_ip);
        gh_await_write(x, write_transaction, transaction_written);
    }
}

/* --- yes or no --- */

/* The visit of somebody who signed in for a device, in this session. False when a page was sent that says so.
 */
static bool open_visit(struct gh_exchange *x, struct gh_visit *v, struct gh_session *session) {
    if (!gh_visit_open(x, v))
        return false;
    enum gh_err e = gh_visit_session(x, v, session);
    if (!e && v->transaction.auth.device.len == 0)
        e = GH_ERR_NOT_FOUND;
    if (e == GH_ERR_NOT_FOUND)
        gh_visit_gone(x);
    else if (e)
        gh_page_fail(x, e);
    return e == GH_OK;
}

static enum gh_err page_data(struct gh_exchange *x, const struct gh_visit *v, json_t **ret) {
    json_auto_t *user = NULL;
    enum gh_err e = gh_record_get(x->db, GH_USERS, v->transaction.auth.user_id, &user);
    if (e)
        return e;
    struct gh_str login = gh_doc_string(user, "email"), name = gh_doc_string(v->organization, "display_name");
    if (login.len == 0)
        login = gh_doc_string(user, "username");
    if (login.len == 0)
        login = gh_doc_string(user, "user_id");
    if (name.len == 0)
        name = gh_doc_string(v->organization, "name");
    *ret = json_pack("{s:s%, s:s%}", "username", login.ptr ? login.ptr : "", login.len, "organization_name",
                     name.ptr ? name.ptr : "", name.len);
    return *ret ? GH_OK : GH_ERR_NOMEM;
}

void gh_device_show(struct gh_exchange *x) {
    gh_auto(gh_visit_release) struct gh_visit v = { 0 };
    struct gh_session session;
    json_t *data = NULL;
    if (!open_visit(x, &v, &session))
        return;
    enum gh_err e = page_data(x, &v, &data);
    if (e == GH_ERR_NOT_FOUND)
        gh_visit_gone(x);
    else if (e)
        gh_page_fail(x, e);
    else
        gh_visit_page(x, &v, 200, GH_PAGE_DEVICE, data, NULL);
}

/* One transaction: the person may, now, and the session was not ended meanwhile. */
static enum gh_err write_decision(struct gh_db *db, struct gh_exchange *x) {
    const struct decision *d = x->state;
    const struct gh_authorization *auth = &d->transaction.auth;
    json_auto_t *user = NULL;
    enum gh_err e = gh_transaction_take(db, &d->transaction);
    if (!e)
        e = gh_session_touch(db, &d->session);
    if (!e && d->approved)
        e = gh_person_check(db, x->arena, auth, &user);
    if (!e)
        e = gh_device_decide(db, x->arena, auth, d->approved);
    const struct gh_audit entry = {
        .type = "fdecc",
        .description = "User did not confirm the device",
        .client_id = auth->client_id,
        .user_id = auth->user_id,
        .organization_id = auth->organization_id,
        .connection_id = auth->connection_id,
    };
    return e || d->approved ? e : gh_audit_write(db, x, &entry);
}

static void decision_written(struct gh_exchange *x) {
    const struct decision *d = x->state;
    if (x->err == GH_ERR_NOT_FOUND || x->err == GH_ERR_NO_PERMISSION)
        gh_visit_gone(x);
    else if (x->err)
        gh_page_fail(x, x->err);
    else if (d->approved)
        gh_page_error(x, 200, "Your device is connected", GH_STR("You can close this page and go on there."));
    else
        gh_page_error(x, 200, "The device was not let in", GH_STR("You can close this page."));
}

void gh_device_submit(struct gh_exchange *x) {
    gh_auto(gh_visit_release) struct gh_visit v = { 0 };
    struct decision *d = x->state = GH_NEW(x->arena, struct decision);
    if (!d) {
        gh_page_fail(x, GH_ERR_NOMEM);
        return;
    }
    if (!open_visit(x, &v, &d->session))
        return;
    struct gh_str answer = gh_visit_param(&v, "decision");
    d->transaction = v.transaction;
    d->approved = gh_str_is(answer, "approve");
    if (d->approved || gh_str_is(answer, "deny"))
        gh_await_write(x, write_decision, decision_written);
    else
        gh_page_error(x, 400, "Invalid request", GH_STR("Neither yes nor no."));
}
