/* tenant/login/choose.c - which organization? By name before the sign-in (/u/organization), or from the
 * user's own after it (/u/organization-picker). Both send the browser back to /authorize with the
 * organization in it: what counts is decided there, again, from the start. */
#include "tenant/login/endpoints.h"
#include "tenant/login/visit.h"
#include "tenant/oauth/answer.h"
#include "tenant/oauth/authorize.h"
#include "tenant/organization.h"
#include "tenant/record.h"

enum { SHOWN_MAX = 20 }; /* as Auth0's picker */

static void go_on(struct gh_exchange *x, const struct gh_visit *v, struct gh_str organization) {
    struct gh_str url;
    enum gh_err e = gh_authorize_url(x, &v->transaction.auth, organization, &url);
    if (e)
        gh_page_fail(x, e);
    else {
        gh_response_header(x, "Cache-Control", GH_STR("no-store"));
        gh_respond_redirect(x, x->method == GH_POST ? 303 : 302, url);
    }
}

/* --- before --- */

void gh_ask_show(struct gh_exchange *x) {
    gh_auto(gh_visit_release) struct gh_visit v;
    if (gh_visit_open(x, &v))
        gh_visit_page(x, &v, 200, GH_PAGE_ORGANIZATION, json_object(), NULL);
}

void gh_ask_submit(struct gh_exchange *x) {
    gh_auto(gh_visit_release) struct gh_visit v;
    json_auto_t *organization = NULL;
    if (!gh_visit_open(x, &v))
        return;
    struct gh_str name = gh_str_trim(gh_visit_param(&v, "organizationName"));
    enum gh_err e = gh_organization_find(x->db, x->arena, name, true, &organization);
    if (!e)
        go_on(x, &v, gh_doc_string(organization, "id"));
    else if (e == GH_ERR_NOT_FOUND)
        gh_visit_page(x, &v, 400, GH_PAGE_ORGANIZATION,
                      json_pack("{s:s%}", "organization_name", name.ptr ? name.ptr : "", name.len),
                      "The organization you entered is invalid");
    else
        gh_page_fail(x, e);
}

/* --- after --- */

/* [{"id","name"}]; a name is the display name where there is one. */
static enum gh_err list_organizations(struct gh_exchange *x, struct gh_str user, json_t **ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    json_auto_t *list = json_array();
    bool more;
    enum gh_err e =
        gh_db_query(x->db, GH_SQL_ORGANIZATIONS_OF_MEMBER, GH_BINDS(GH_TEXT("user", user)), &rows);
    while (!e && !(e = gh_rows_next(&rows, &more)) && more && json_array_size(list) < SHOWN_MAX) {
        struct gh_str id = gh_rows_text(&rows, 0), name = gh_rows_text(&rows, 1),
                      text = gh_rows_text(&rows, 2);
        json_auto_t *doc = json_loadb(text.ptr, text.len, 0, NULL);
        struct gh_str shown = gh_doc_string(doc, "display_name");
        if (shown.len == 0)
            shown = name;
        if (json_array_append_new(
                list, json_pack("{s:s%, s:s%}", "id", id.ptr, id.len, "name", shown.ptr, shown.len)))
            e = GH_ERR_NOMEM;
    }
    if (!e)
        *ret = json_incref(list);
    return e;
}

void gh_picker_show(struct gh_exchange *x) {
    gh_auto(gh_visit_release) struct gh_visit v;
    json_auto_t *list = NULL;
    struct gh_session session;
    if (!gh_visit_open(x, &v))
        return;
    enum gh_err e = gh_visit_session(x, &v, &session);
    if (!e)
        e = list_organizations(x, v.transaction.auth.user_id, &list);
    if (e == GH_ERR_NOT_FOUND)
        gh_visit_gone(x);
    else if (e)
        gh_page_fail(x, e);
    else if (json_array_size(list) == 0)
        gh_answer_error(
            x, &v.transaction.auth, "invalid_request",
            GH_STR("client requires organization membership, but user does not belong to any organization"));
    else if (json_array_size(list) == 1)
        go_on(x, &v, gh_doc_string(json_array_get(list, 0), "id"));
    else
        gh_visit_page(x, &v, 200, GH_PAGE_PICKER, json_pack("{s:O}", "organizations", list), NULL);
}

void gh_picker_submit(struct gh_exchange *x) {
    gh_auto(gh_visit_release) struct gh_visit v;
    if (!gh_visit_open(x, &v))
        return;
    struct gh_session session;
    struct gh_str organization = gh_visit_param(&v, "organization");
    enum gh_err e = gh_visit_session(x, &v, &session);
    if (!e && !gh_organization_has_member(x->db, organization, v.transaction.auth.user_id, &e) && !e)
        e = GH_ERR_NOT_FOUND;
    if (e == GH_ERR_NOT_FOUND)
        gh_visit_gone(x);
    else if (e)
        gh_page_fail(x, e);
    else
        go_on(x, &v, organization);
}
