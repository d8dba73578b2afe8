#include "tenant/oauth/issuance.h"

#include "tenant/change.h"
#include "tenant/moment.h"
#include "tenant/oauth/device.h"
#include "tenant/oauth/error.h"
#include "tenant/record.h"

enum { WAITS_MAX = 5 };

/* What the steps need to know beyond struct gh_issuance. */
struct finish {
    enum gh_err (*write)(struct gh_db *db, struct gh_exchange *x);
    void (*refuse)(struct gh_exchange *x, enum gh_err e);
};

struct state {
    struct gh_issuance issuance; /* first: x->state is both */
    struct finish finish;
};

bool gh_issuance_may_start(struct gh_exchange *x, struct gh_str user, struct gh_str organization,
                           struct gh_str client, struct gh_str audience, gh_step *again) {
    struct gh_issuance *s = x->state;
    long long newest;
    enum gh_err e = gh_change_newest(x->tenant, user, organization, client, audience, &newest);
    if (!e && newest < s->now)
        return true;
    if (!e && s->waits++ < WAITS_MAX)
        gh_await_time(x, (newest + 1) * 1000, again);
    else
        gh_oauth_fail(x, e ? e : GH_ERR_BUSY); /* somebody revokes every second: not now */
    return false;
}

enum gh_err gh_issuance_prepare(struct gh_exchange *x, const struct gh_issue *issue) {
    struct gh_issuance *s = x->state;
    s->jobs[0] = (struct gh_sign_job){ .typ = gh_dialect_of(issue->api)->typ };
    s->expires_in = gh_access_lifetime(issue->api);
    s->job_count = 1;
    enum gh_err e = gh_access_claims(x->arena, issue, &s->jobs[0].payload);
    if (e || !issue->user || !issue->openid)
        return e;
    s->jobs[1] = (struct gh_sign_job){ .typ = "JWT" };
    s->job_count = 2;
    return gh_id_claims(x->arena, issue, &s->jobs[1].payload);
}

static enum gh_err write_all(struct gh_db *db, struct gh_exchange *x) {
    struct state *s = x->state;
    enum gh_err e = s->finish.write ? s->finish.write(db, x) : GH_OK;
    return e ? e : gh_audit_write(db, x, &s->issuance.audit);
}

static json_t *text_or_null(struct gh_str s) {
    return s.ptr ? json_stringn(s.ptr, s.len) : NULL;
}

static void signed_all(struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    if (x->err) {
        gh_oauth_fail(x, x->err);
        return;
    }
    json_t *body = json_pack(
        "{s:o, s:o*, s:o*, s:o*, s:I, s:s}", "access_token", text_or_null(s->jobs[0].ret), "refresh_token",
        text_or_null(s->refresh_token), "id_token", s->job_count > 1 ? text_or_null(s->jobs[1].ret) : NULL,
        "scope", text_or_null(s->scope), "expires_in", (json_int_t)s->expires_in, "token_type", "Bearer");
    gh_oauth_no_store(x);
    gh_respond_json(x, 200, body);
}

static void written(struct gh_exchange *x) {
    struct state *s = x->state;
    enum gh_err e = x->err ? x->err : s->issuance.replayed ? GH_ERR_REVOKED : GH_OK;
    if (e && s->finish.refuse)
        s->finish.refuse(x, e);
    else if (e)
        gh_oauth_fail(x, e);
    else
        gh_await_sign(x, s->issuance.jobs, s->issuance.job_count, signed_all);
}

void gh_issuance_finish(struct gh_exchange *x, enum gh_err (*write)(struct gh_db *db, struct gh_exchange *x),
                        void (*refuse)(struct gh_exchange *x, enum gh_err e)) {
    struct state *s = x->state;
    s->finish = (struct finish){ write, refuse };
    gh_await_write(x, write_all, written);
}

static enum gh_err only_decline(struct gh_db *db, struct gh_exchange *x) {
    struct gh_issuance *s = x->state;
    (void)db;
    s->replayed = true;
    return GH_OK;
}

void gh_issuance_decline(struct gh_exchange *x, const char *type, const char *description,
                         void (*refuse)(struct gh_exchange *x, enum gh_err e)) {
    struct gh_issuance *s = x->state;
    s->audit.type = type;
    s->audit.description = description;
    gh_issuance_finish(x, only_decline, refuse);
}

enum gh_err gh_issuance_api(struct gh_exchange *x, struct gh_str audience, json_t **ret) {
    enum gh_err e = gh_record_find(x->db, GH_RESOURCE_SERVERS, audience, ret);
    if (e)
        return e;
    struct gh_str alg = gh_doc_string(*ret, "signing_alg");
    if (alg.len == 0 || gh_str_is(alg, "RS256"))
        return GH_OK;
    json_decref(*ret);
    *ret = NULL;
    return GH_ERR_UNSUPPORTED;
}

struct gh_str gh_audience_of(const struct gh_param *params, size_t count) {
    struct gh_str value = { 0 };
    if (gh_param_find(params, count, "audience", &value) && value.len > 0)
        return value;
    return gh_param_find(params, count, "resource", &value) && value.len > 0 ? value : (struct gh_str){ 0 };
}

/* --- POST /oauth/token --- */

/* clang-format off */
static const struct {
    const char *name;
    void (*run)(struct gh_exchange *x, const struct gh_caller *c);
    bool confidential; /* only for clients that proved who they are */
} grants[] = {
    { "authorization_code", gh_grant_code,    false },
    { "refresh_token",      gh_grant_refresh, false },
    { "client_credentials", gh_grant_machine, true  },
    { GH_DEVICE_GRANT,      gh_grant_device,  false },
};
/* clang-format on */

static void run_grant(struct gh_exchange *x, const struct gh_caller *c) {
    struct gh_str type = gh_caller_param(c, "grant_type");
    if (!type.ptr) {
        gh_oauth_refuse(x, 400, "invalid_request", "Missing required parameter: grant_type");
        return;
    }
    for (size_t i = 0; i < GH_COUNT(grants); i++) {
        if (!gh_str_is(type, grants[i].name))
            continue;
        if (!gh_doc_array_has(c->client, "grant_types", type) || (grants[i].confidential && c->is_public))
            gh_oauth_refuse(x, 403, "unauthorized_client", "Grant type '%.*s' not allowed for the client.",
                            GH_STR_FMT(type));
        else
            grants[i].run(x, c);
        return;
    }
    gh_oauth_refuse(x, 400, "unsupported_grant_type", "Unsupported grant type: %.*s", GH_STR_FMT(type));
}

void gh_token_issue(struct gh_exchange *x) {
    struct gh_caller caller;
    if (!x->state)
        x->state = GH_NEW(x->arena, struct state);
    if (!x->state) {
        gh_oauth_fail(x, GH_ERR_NOMEM);
        return;
    }
    struct gh_issuance *s = x->state;
    s->now = gh_moment_seconds();
    if (!gh_client_authenticate(x, "access_denied", &caller))
        return;
    run_grant(x, &caller);
    json_decref(caller.client);
}
