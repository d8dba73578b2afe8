#include "tenant/oauth/client_auth.h"

#include "core/bearer.h"
#include "core/target.h"
#include "tenant/oauth/error.h"
#include "tenant/record.h"
#include "tenant/seal.h"

struct credentials {
    struct gh_str id, secret; /* secret: ptr NULL when none was sent */
    bool basic;
};

struct gh_str gh_caller_param(const struct gh_caller *c, const char *name) {
    struct gh_str value;
    if (!gh_param_find(c->params, c->param_count, name, &value) || value.len == 0)
        return (struct gh_str){ 0 };
    return value;
}

/* RFC 6749 2.3.1: both halves are form-encoded before base64. A client that does not encode sends the same
 * bytes as long as it has no '%' or '+', which our ids and secrets never have. */
static enum gh_err from_header(struct gh_exchange *x, struct credentials *ret) {
    struct gh_str value, user, password;
    if (!gh_request_header(x, "Authorization", &value))
        return GH_ERR_NO_TOKEN;
    enum gh_err e = gh_basic_parse(x->arena, value, &user, &password);
    if (!e)
        e = gh_percent_decode(x->arena, user, true, &ret->id);
    if (!e)
        e = gh_percent_decode(x->arena, password, true, &ret->secret);
    ret->basic = true;
    if (!e && ret->secret.len == 0)
        ret->secret.ptr = NULL;
    return e;
}

/* False when a refusal was sent. */
static bool collect(struct gh_exchange *x, const struct gh_caller *c, struct credentials *ret) {
    enum gh_err e = from_header(x, ret);
    if (e != GH_OK && e != GH_ERR_NO_TOKEN) {
        gh_oauth_fail(x, e);
        return false;
    }
    struct gh_str id = gh_caller_param(c, "client_id"), secret = gh_caller_param(c, "client_secret");
    bool both = ret->basic && (secret.ptr || (id.ptr && !gh_str_eq(id, ret->id)));
    if (both || gh_caller_param(c, "client_assertion").ptr) {
        gh_oauth_refuse(x, 400, "invalid_request",
                        both ? "Use either HTTP Basic or body parameters to authenticate the client, not both"
                             : "client_assertion is not supported");
        return false;
    }
    if (!ret->basic) {
        ret->id = id;
        ret->secret = secret;
    }
    if (!ret->id.ptr || ret->id.len == 0) {
        gh_oauth_refuse(x, 400, "invalid_request", "Missing required parameter: client_id");
        return false;
    }
    return true;
}

/* GH_OK, NO_PERMISSION when the secret is wrong, or our own trouble. */
static enum gh_err check_secret(struct gh_exchange *x, struct gh_str id, struct gh_str secret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool found = false;
    enum gh_err e = gh_db_query(x->db, GH_SQL_CLIENT_SEALED_SECRET, GH_BINDS(GH_TEXT("id", id)), &rows);
    if (!e)
        e = gh_rows_next(&rows, &found);
    if (e)
        return e;
    struct gh_str sealed = found ? gh_rows_text(&rows, 0) : (struct gh_str){ 0 }, plain;
    if (sealed.len == 0)
        return GH_ERR_NO_PERMISSION;
    e = gh_unseal(x->tenant->sealer, x->arena, "clients", id, sealed, &plain);
    if (e) /* a damaged row or another key-encryption key: never the caller's fault (rule 8) */
        return gh_err_status(e) == 503 ? e : GH_ERR_STORAGE;
    bool same = gh_str_eq_secret(plain, secret);
    explicit_bzero((char *)plain.ptr, plain.len);
    return same ? GH_OK : GH_ERR_NO_PERMISSION;
}

static enum gh_err prove(struct gh_exchange *x, const struct credentials *cred, struct gh_caller *ret) {
    enum gh_err e = gh_record_get(x->db, GH_CLIENTS, cred->id, &ret->client);
    if (e)
        return e == GH_ERR_NOT_FOUND ? GH_ERR_NO_PERMISSION : e;
    ret->is_public = gh_str_is(gh_doc_string(ret->client, "token_endpoint_auth_method"), "none");
    if (cred->secret.ptr)
        return check_secret(x, cred->id, cred->secret);
    return ret->is_public ? GH_OK : GH_ERR_NO_PERMISSION;
}

bool gh_client_authenticate(struct gh_exchange *x, const char *refusal, struct gh_caller *ret) {
    struct credentials cred = { 0 };
    *ret = (struct gh_caller){ 0 };
    enum gh_err e = gh_request_params(x, &ret->params, &ret->param_count);
    if (e) {
        gh_oauth_fail(x, e);
        return false;
    }
    if (!collect(x, ret, &cred))
        return false;

    ret->client_id = cred.id;
    ret->basic = cred.basic;
    e = prove(x, &cred, ret);
    if (!e)
        return true;
    json_decref(ret->client);
    ret->client = NULL;
    if (e == GH_ERR_NO_PERMISSION)
        gh_oauth_refuse_client(x, refusal, "Unauthorized", cred.basic);
    else
        gh_oauth_fail(x, e);
    return false;
}
