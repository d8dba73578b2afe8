/* tenant/login/sign_in.c - /u/login: a password is looked at, then everything else, then a code is made.
 *
 * Whoever does not get in sees the same page in the same time, whether the user is known, blocked for too
 * many tries, or the password was wrong: an unknown user's password is checked against a dummy hash, and each
 * failure writes one row. */
#include <stdlib.h>

#include "sys/clock.h"
#include "tenant/audit.h"
#include "tenant/login/attempts.h"
#include "tenant/login/cookie.h"
#include "tenant/login/endpoints.h"
#include "tenant/login/session.h"
#include "tenant/login/usable.h"
#include "tenant/login/visit.h"
#include "tenant/oauth/answer.h"
#include "tenant/oauth/person.h"
#include "tenant/organization.h"
#include "tenant/password.h"
#include "tenant/record.h"

enum { LOGIN_MAX = 320 };

/* x->state from the form to the answer. */
struct sign_in {
    struct gh_transaction transaction;
    struct gh_str login, password, stored; /* stored: empty for an unknown user */
    struct gh_usable connection;           /* through which the user was found */
    bool blocked;                          /* too many tries */
    long long lifetime;                    /* of the session, seconds */
    struct gh_str old_session;

    /* the outcome */
    const char *error; /* NULL: a code */
    struct gh_str description, code, cookie;
};

/* --- GET --- */

static json_t *page_data(struct gh_str login) {
    return json_pack("{s:s%}", "username", login.ptr ? login.ptr : "", login.len);
}

void gh_login_show(struct gh_exchange *x) {
    gh_auto(gh_visit_release) struct gh_visit v;
    if (gh_visit_open(x, &v))
        gh_visit_page(x, &v, 200, GH_PAGE_LOGIN, page_data(v.transaction.auth.login_hint), NULL);
}

/* --- POST: who could that be? --- */

static enum gh_err read_hash(struct gh_db *db, struct gh_arena *a, struct gh_str user_id,
                             struct gh_str *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    *ret = (struct gh_str){ 0 };
    enum gh_err e = gh_db_query(db, GH_SQL_USER_PASSWORD_HASH, GH_BINDS(GH_TEXT("user", user_id)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e || !found)
        return e;
    *ret = gh_arena_dup(a, gh_rows_text(&rows, 0));
    return ret->ptr ? GH_OK : GH_ERR_NOMEM;
}

/* The first usable connection that knows the login: one hash whatever their number. */
static enum gh_err find_user(struct gh_exchange *x, struct sign_in *s) {
    struct gh_authorization *auth = &s->transaction.auth;
    struct gh_usable_list usable;
    enum gh_err e = gh_usable_connections(x->db, x->arena, auth->client_id, auth->organization_id,
                                          auth->connection_id, &usable);
    for (size_t i = 0; !e && i < usable.count; i++) {
        json_auto_t *user = NULL;
        e = gh_record_find_user(x->db, usable.items[i].id, s->login, &user);
        if (e == GH_ERR_NOT_FOUND) {
            e = GH_OK;
            continue;
        }
        if (e)
            break;
        s->connection = usable.items[i];
        auth->connection_id = usable.items[i].id;
        auth->user_id = gh_arena_dup(x->arena, gh_doc_string(user, "user_id"));
        return auth->user_id.ptr ? read_hash(x->db, x->arena, auth->user_id, &s->stored) : GH_ERR_NOMEM;
    }
    return e;
}

static struct gh_str lower(struct gh_arena *a, struct gh_str text) {
    char *copy = gh_arena_cstr(a, text);
    for (char *c = copy; c && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return (struct gh_str){ copy, copy ? text.len : 0 };
}

static enum gh_err verify(struct gh_exchange *x) {
    struct sign_in *s = x->state;
    enum gh_err e = gh_password_verify(s->blocked ? (struct gh_str){ 0 } : s->stored, s->password);
    explicit_bzero((char *)s->password.ptr,
                   s->password.len); /* ours: a decoded copy in the exchange's arena */
    return e == GH_ERR_TOO_LARGE ? GH_ERR_NO_PERMISSION : e;
}

static void verified(struct gh_exchange *x);

void gh_login_submit(struct gh_exchange *x) {
    gh_auto(gh_visit_release) struct gh_visit v;
    json_auto_t *settings = NULL;
    struct sign_in *s = x->state = GH_NEW(x->arena, struct sign_in);
    if (!gh_visit_open(x, &v))
        return;
    enum gh_err e = s ? gh_settings_get(x->db, &settings) : GH_ERR_NOMEM;
    if (!e)
        e = gh_session_hash(x, &s->old_session);
    if (e) {
        gh_page_fail(x, e);
        return;
    }
    s->transaction = v.transaction;
    s->lifetime = gh_session_lifetime(settings);
    s->password = gh_visit_param(&v, "password");
    s->login = lower(x->arena, gh_str_trim(gh_visit_param(&v, "username")));
    if (s->login.len > LOGIN_MAX)
        s->login.len = LOGIN_MAX; /* nobody has such a name; the page need not repeat all of it */
    e = gh_attempts_take(s->login, x->client_ip, gh_clock_seconds(), &s->blocked);
    if (!e)
        e = find_user(x, s);
    if (e)
        gh_page_fail(x, e);
    else
        gh_await_work(x, GH_POOL_HASH, verify, verified);
}

/* --- the wrong way --- */

static enum gh_err write_failure(struct gh_db *db, struct gh_exchange *x) {
    const struct sign_in *s = x->state;
    const struct gh_authorization *auth = &s->transaction.auth;
    const struct gh_audit entry = {
        .type = s->blocked              ? "limit_wc"
                : auth->user_id.len > 0 ? "fp"
                                        : "fu",
        .description = s->blocked              ? "Too many failed sign-ins"
                       : auth->user_id.len > 0 ? "Wrong password"
                                               : "Unknown user",
        .client_id = auth->client_id,
        .user_id = auth->user_id,
        .organization_id = auth->organization_id,
        .connection_id = auth->connection_id,
    };
    return gh_audit_write(db, x, &entry);
}

static void failure_written(struct gh_exchange *x) {
    const struct sign_in *s = x->state;
    gh_auto(gh_visit_release) struct gh_visit v;
    if (x->err)
        gh_page_fail(x, x->err);
    else if (gh_visit_open(x, &v))
        gh_visit_page(x, &v, 400, GH_PAGE_LOGIN, page_data(s->login), "Wrong email or password");
}

/* --- the right way: one transaction decides, so that nothing can change in between --- */

/* The refusal is an answer, not a failure: it is written down and the transaction is over. */
static enum gh_err refuse(struct gh_db *db, struct gh_exchange *x, const char *error, struct gh_str text) {
    struct sign_in *s = x->state;
    const struct gh_authorization *auth = &s->transaction.auth;
    s->error = error;
    s->description = text;
    const struct gh_audit entry = {
        .type = "f",
        .description = text.ptr,
        .client_id = auth->client_id,
        .user_id = auth->user_id,
        .organization_id = auth->organization_id,
        .connection_id = auth->connection_id,
    };
    return text.ptr ? gh_audit_write(db, x, &entry) : GH_ERR_NOMEM;
}

/* The connection as it is now; an organization's may say that who signs in becomes a member. */
static enum gh_err join(struct gh_db *db, struct gh_exchange *x, const struct gh_authorization *auth) {
    struct gh_usable_list usable;
    enum gh_err e = gh_usable_connections(db, x->arena, auth->client_id, auth->organization_id,
                                          auth->connection_id, &usable);
    if (e || auth->organization_id.len == 0 || usable.count == 0 || !usable.items[0].assigns_membership)
        return e;
    return gh_db_run(db, GH_SQL_ORGANIZATION_JOIN,
                     GH_BINDS(GH_TEXT("organization", auth->organization_id), GH_TEXT("user", auth->user_id),
                              GH_INT("now", gh_clock_milliseconds())),
                     NULL);
}

/* last_login, last_ip, logins_count: what the Management API shows of a user. */
static enum gh_err count_sign_in(struct gh_db *db, struct gh_exchange *x, json_t *user) {
    char now[25];
    gh_clock_format_iso(gh_clock_milliseconds(), now);
    json_object_set_new(user, "last_login", json_stringn(now, 24));
    json_object_set_new(user, "last_ip",
                        json_stringn(x->client_ip.ptr ? x->client_ip.ptr : "", x->client_ip.len));
    json_object_set_new(user, "logins_count", json_integer(gh_doc_int(user, "logins_count", 0) + 1));
    char *text = json_dumps(user, JSON_COMPACT);
    if (!text)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_db_run(
        db, GH_SQL_USER_SIGNED_IN,
        GH_BINDS(GH_TEXT("user", gh_doc_string(user, "user_id")), GH_TEXT("doc", gh_str_from(text))), NULL);
    free(text);
    return e;
}

/* What is asked before there is an answer; NULL: nothing. */
static const char *next_page(const struct gh_authorization *auth) {
    return auth->device.len > 0 ? "device" : auth->pick_organization ? "organization-picker" : NULL;
}

static enum gh_err welcome(struct gh_db *db, struct gh_exchange *x, json_t *user) {
    struct sign_in *s = x->state;
    struct gh_authorization *auth = &s->transaction.auth;
    struct gh_session session;
    enum gh_err e = gh_session_make(db, x->arena, auth->user_id, auth->connection_id, s->lifetime,
                                    s->old_session, &session, &s->cookie);
    if (e)
        return e;
    auth->sid = session.sid;
    auth->auth_time = session.authenticated_at;
    if (next_page(auth))
        e = gh_transaction_make(db, x->arena, &s->transaction); /* for that page, with a new id */
    else
        e = gh_code_make(db, x->arena, auth, &s->code);
    if (!e)
        e = count_sign_in(db, x, user);
    const struct gh_audit entry = {
        .type = "s",
        .description = "Success login",
        .client_id = auth->client_id,
        .user_id = auth->user_id,
        .organization_id = auth->organization_id,
        .connection_id = auth->connection_id,
    };
    return e ? e : gh_audit_write(db, x, &entry);
}

/* NO_PERMISSION when the password was changed while the check of the old one waited for a thread. */
static enum gh_err check_still_current(struct gh_db *db, struct gh_exchange *x) {
    const struct sign_in *s = x->state;
    struct gh_str now;
    enum gh_err e = read_hash(db, x->arena, s->transaction.auth.user_id, &now);
    return e ? e : gh_str_eq(now, s->stored) ? GH_OK : GH_ERR_NO_PERMISSION;
}

static enum gh_err write_success(struct gh_db *db, struct gh_exchange *x) {
    struct sign_in *s = x->state;
    const struct gh_authorization *auth = &s->transaction.auth;
    json_auto_t *user = NULL, *again = NULL;
    enum gh_err e = gh_transaction_take(db, &s->transaction);
    if (!e)
        e = gh_record_get(db, GH_USERS, auth->user_id, &again);
    if (!e)
        e = check_still_current(db, x);
    if (e)
        return e;
    if (gh_doc_bool(again, "blocked", false))
        return refuse(db, x, "unauthorized", GH_STR("user is blocked"));
    e = join(db, x, auth);
    if (!e)
        e = gh_person_check(db, x->arena, auth, &user);
    if (e == GH_ERR_NO_PERMISSION && auth->organization_id.len > 0)
        return refuse(db, x, "access_denied",
                      gh_arena_printf(x->arena, "user %.*s is not part of the %.*s organization",
                                      GH_STR_FMT(auth->user_id), GH_STR_FMT(auth->organization_id)));
    if (e == GH_ERR_NO_PERMISSION)
        return refuse(db, x, "access_denied", GH_STR("the connection is not enabled"));
    return e ? e : welcome(db, x, user);
}

static void success_written(struct gh_exchange *x) {
    struct sign_in *s = x->state;
    const struct gh_authorization *auth = &s->transaction.auth;
    if (x->err == GH_ERR_NOT_FOUND) { /* a second click, or the user is gone */
        gh_visit_gone(x);
        return;
    }
    if (x->err == GH_ERR_NO_PERMISSION) { /* rolled back: the page can be used again */
        gh_await_write(x, write_failure, failure_written);
        return;
    }
    if (x->err) {
        gh_page_fail(x, x->err);
        return;
    }
    if (s->error) {
        gh_answer_error(x, auth, s->error, s->description);
        return;
    }
    gh_cookie_set(x, GH_COOKIE_SESSION, s->cookie, s->lifetime);
    if (!next_page(auth)) {
        gh_answer_code(x, auth, s->code);
        return;
    }
    struct gh_str page =
        gh_arena_printf(x->arena, "/u/%s?state=%.*s", next_page(auth), GH_STR_FMT(s->transaction.id));
    if (page.ptr)
        gh_respond_redirect(x, 303, page);
    else
        gh_page_fail(x, GH_ERR_NOMEM);
}

static void verified(struct gh_exchange *x) {
    struct sign_in *s = x->state;
    if (x->err == GH_OK && s->transaction.auth.user_id.len > 0 && !s->blocked) {
        gh_attempts_forget(s->login, x->client_ip);
        gh_await_write(x, write_success, success_written);
    } else if (x->err == GH_OK || x->err == GH_ERR_NO_PERMISSION)
        gh_await_write(x, write_failure, failure_written);
    else
        gh_page_fail(x, x->err);
}
