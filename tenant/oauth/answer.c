#include "tenant/oauth/answer.h"

#include "tenant/login/page.h"
#include "tenant/oauth/error.h"
#include "tenant/oauth/redirect.h"
#include "tenant/record.h"

/* The parameters as hidden fields of a form; nothing of it is in the URL. */
static void post_form(struct gh_exchange *x, const struct gh_authorization *auth,
                      const struct gh_redirect_param *params, size_t count) {
    json_t *fields = json_array();
    for (size_t i = 0; i < count; i++)
        if (params[i].value.ptr)
            json_array_append_new(fields, json_pack("{s:s, s:s%}", "name", params[i].name, "value",
                                                    params[i].value.ptr, params[i].value.len));
    json_t *data =
        json_pack("{s:s%, s:o}", "action", auth->redirect_uri.ptr, auth->redirect_uri.len, "fields", fields);
    gh_page_answer(x, 200, GH_PAGE_FORM_POST, data, NULL, gh_redirect_source(x->arena, auth->redirect_uri));
}

static void send(struct gh_exchange *x, const struct gh_authorization *auth, struct gh_redirect_param *params,
                 size_t count) {
    json_auto_t *settings = NULL;
    struct gh_str location;
    enum gh_err e = gh_settings_get(x->db, &settings);
    if (e) {
        gh_page_fail(x, e);
        return;
    }
    params[count++] = (struct gh_redirect_param){ "state", auth->state };
    if (gh_doc_bool(settings, "authorization_response_iss_parameter_supported", false))
        params[count++] = (struct gh_redirect_param){ "iss", x->tenant->issuer };
    if (gh_str_is(auth->response_mode, "form_post")) {
        post_form(x, auth, params, count);
        return;
    }
    e = gh_redirect_build(x->arena, auth->redirect_uri, params, count, &location);
    if (e) {
        gh_page_fail(x, e);
        return;
    }
    gh_oauth_no_store(x);
    gh_respond_redirect(x, x->method == GH_POST ? 303 : 302, location);
}

void gh_answer_code(struct gh_exchange *x, const struct gh_authorization *auth, struct gh_str code) {
    struct gh_redirect_param params[4] = { { "code", code } };
    send(x, auth, params, 1);
}

void gh_answer_error(struct gh_exchange *x, const struct gh_authorization *auth, const char *error,
                     struct gh_str description) {
    /* Nobody waits in this browser: the person may try again with another account. */
    if (auth->device.len > 0) {
        gh_page_error(x, 403, "The device was not let in", description);
        return;
    }
    struct gh_redirect_param params[4] = { { "error", gh_str_from(error) },
                                           { "error_description", description } };
    send(x, auth, params, 2);
}
