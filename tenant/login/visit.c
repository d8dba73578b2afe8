#include "tenant/login/visit.h"

#include "tenant/login/cookie.h"
#include "tenant/record.h"

void gh_visit_release(struct gh_visit *v) {
    json_decref(v->client);
    json_decref(v->organization);
}

struct gh_str gh_visit_param(const struct gh_visit *v, const char *name) {
    struct gh_str value;
    return gh_param_find(v->params, v->count, name, &value) ? value : (struct gh_str){ 0 };
}

void gh_visit_gone(struct gh_exchange *x) {
    gh_page_error(
        x, 400, "This sign-in is no longer valid",
        GH_STR(
            "It has expired, was finished already, or was started in another browser. Please go back to the "
            "application and sign in again."));
}

static enum gh_err read_documents(struct gh_exchange *x, struct gh_visit *v) {
    const struct gh_authorization *auth = &v->transaction.auth;
    enum gh_err e = gh_record_get(x->db, GH_CLIENTS, auth->client_id, &v->client);
    if (!e && auth->organization_id.len > 0)
        e = gh_record_get(x->db, GH_ORGANIZATIONS, auth->organization_id, &v->organization);
    return e; /* NOT_FOUND: deleted meanwhile, so the sign-in is over */
}

bool gh_visit_open(struct gh_exchange *x, struct gh_visit *ret) {
    struct gh_str state = { 0 };
    *ret = (struct gh_visit){ 0 };
    enum gh_err e = GH_OK;
    if (x->method == GH_POST) {
        if (!gh_same_origin(x)) {
            gh_page_error(x, 403, "Request refused", GH_STR("This form was sent by another site."));
            return false;
        }
        e = gh_request_params(x, &ret->params, &ret->count);
        state = gh_visit_param(ret, "state");
    } else
        gh_request_query(x, "state", &state);
    if (!e)
        e = gh_transaction_find(x, state, &ret->transaction);
    if (!e)
        e = read_documents(x, ret);
    if (!e)
        return true;
    if (gh_err_status(e) == 503)
        gh_page_fail(x, e);
    else
        gh_visit_gone(x);
    gh_visit_release(ret);
    *ret = (struct gh_visit){ 0 };
    return false;
}

enum gh_err gh_visit_session(struct gh_exchange *x, const struct gh_visit *v, struct gh_session *ret) {
    json_auto_t *settings = NULL;
    enum gh_err e = gh_settings_get(x->db, &settings);
    if (!e)
        e = gh_session_find(x, settings, ret);
    if (!e && !gh_str_eq(ret->user_id, v->transaction.auth.user_id))
        e = GH_ERR_NOT_FOUND;
    return e;
}

void gh_visit_page(struct gh_exchange *x, const struct gh_visit *v, int status, enum gh_page page,
                   json_t *data, const char *error) {
    struct gh_str state = v->transaction.id, name = gh_doc_string(v->client, "name");
    bool fine =
        data && json_object_set_new(data, "state", json_stringn(state.ptr, state.len)) == 0 &&
        json_object_set_new(data, "client_name", json_stringn(name.ptr ? name.ptr : "", name.len)) == 0 &&
        (!error || json_object_set_new(data, "error", json_string(error)) == 0);
    if (!fine) {
        json_decref(data);
        data = NULL;
    }
    gh_page_answer(x, status, page, data, v->organization,
                   gh_page_form_sources(x->arena, v->client, v->transaction.auth.redirect_uri));
}
