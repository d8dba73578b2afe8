/* tenant/api/dispatch.c - the Management API's front door: path -> caller -> scope -> validation -> handler.
 * All of it comes from the contract's tables; a handler is reached only by a call that may be made. */
#include "core/bearer.h"
#include "core/decide.h"
#include "core/limits.h"
#include "core/target.h"
#include "feed/epochs.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "tenant/api/call.h"
#include "tenant/keys.h"

static const struct gh_str prefix = { "/api/v2/", sizeof("/api/v2/") - 1 };

/* Every answer carries these (recorded). Nobody is throttled yet: the bucket is always full again in the next
 * second, and a reset in the future keeps the clients' retry loops sane (notes c.2). */
static void common_headers(struct gh_exchange *x) {
    char reset[24];
    int n = snprintf(reset, sizeof(reset), "%lld", gh_clock_seconds() + 1);
    gh_response_header(x, "Cache-Control", GH_STR("no-cache"));
    gh_response_header(x, "Vary", GH_STR("origin,accept-encoding"));
    gh_response_header(x, "X-RateLimit-Limit", GH_STR("50"));
    gh_response_header(x, "X-RateLimit-Remaining", GH_STR("49"));
    gh_response_header(x, "X-RateLimit-Reset", (struct gh_str){ reset, (size_t)n });
}

static void respond_error(struct gh_exchange *x, int status, const char *message, const char *code) {
    if (status == 401)
        gh_response_header(x, "WWW-Authenticate", GH_STR("Bearer"));
    if (status == 503)
        gh_response_header(x, "Retry-After", GH_STR("1"));
    gh_respond_json(x, status, gh_error_body(status, message, code));
}

/* --- who calls: 401 --- */

static void respond_unauthorized(struct gh_exchange *x, enum gh_err e) {
    static const char expired[] = "Expired token received for JSON Web Token validation";
    if (gh_err_status(e) == 503) { /* rule 8: our trouble is never the caller's */
        respond_error(x, 503, "The service is not available; try again.", NULL);
        return;
    }
    const char *message = "Invalid token";
    if (e == GH_ERR_NO_TOKEN)
        message = "Missing authentication";
    else if (e == GH_ERR_BAD_SIGNATURE || e == GH_ERR_UNKNOWN_KEY || e == GH_ERR_WRONG_ALG)
        message = "Invalid signature received for JSON Web Token validation";
    else if (e == GH_ERR_WRONG_AUDIENCE)
        message =
            gh_arena_printf(x->arena, "Bad audience: %.*s", GH_STR_FMT(x->tenant->management_audience)).ptr;
    else if (e == GH_ERR_EXPIRED)
        message = expired;

    json_t *body = gh_error_body(401, message ? message : "Invalid token", NULL);
    if (body && e == GH_ERR_EXPIRED)
        json_object_set_new(body, "attributes", json_pack("{s:s}", "error", expired));
    gh_response_header(x, "WWW-Authenticate", GH_STR("Bearer"));
    gh_respond_json(x, 401, body);
}

static enum gh_err judge(struct gh_call *c, struct gh_str token) {
    struct gh_tenant *t = c->x->tenant;
    struct gh_epochs epochs;
    enum gh_err e = gh_token_open(c->x->arena, token, gh_keys_find, t, &c->caller);
    if (!e)
        e = gh_feed_epochs_of(t->feed, &c->caller, t->management_audience, &epochs);
    if (e)
        return e;

    const struct gh_policy policy = {
        .issuer = t->issuer,
        .audience = t->management_audience,
        .organization_rule = GH_ORG_OPTIONAL,
    };
    return gh_decide(&policy, &c->caller, &epochs, gh_clock_seconds()).err;
}

/* False when the refusal was answered. A header that is no Bearer at all is 400, a bad token 401. */
static bool authenticate(struct gh_call *c) {
    struct gh_str header, token;
    enum gh_err e = GH_ERR_NO_TOKEN;
    if (gh_request_header(c->x, "Authorization", &header))
        e = gh_bearer_parse(header, &token);
    if (e == GH_ERR_MALFORMED) {
        respond_error(c->x, 400, "Bad HTTP authentication header format", NULL);
        return false;
    }
    if (!e)
        e = judge(c, token);
    if (e)
        respond_unauthorized(c->x, e);
    return !e;
}

/* --- what it may: 403 --- */

static void respond_forbidden(struct gh_call *c) {
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(4096);
    const struct gh_operation *op = c->op;
    bool all = op->all_count > 0;
    gh_buf_addf(&b, "Insufficient scope, expected %s of: ", all ? "all" : "any");
    for (size_t i = 0; i < (all ? op->all_count : op->any_count); i++)
        gh_buf_addf(&b, "%s%s", i ? "," : "", gh_contract_names[(all ? op->all : op->any) + i]);
    respond_error(c->x, 403, b.failed ? "Insufficient scope" : b.ptr, "insufficient_scope");
}

/* --- is it well said: 400 --- */

static bool respond_invalid(struct gh_call *c, const char *what, const char *code, struct gh_buf *why) {
    struct gh_str text =
        gh_arena_printf(c->x->arena, "%s validation error: %.*s.", what, GH_STR_FMT(gh_buf_str(why)));
    respond_error(c->x, 400, text.ptr && !why->failed ? text.ptr : what, code);
    return false;
}

/* Decodes the path parameters. A resource server's identifier may come encoded twice (recorded). */
static bool path_is_valid(struct gh_call *c, size_t count) {
    gh_auto(gh_buf_release) struct gh_buf why = gh_buf_make(16384);
    for (size_t i = 0; i < count; i++) {
        struct gh_str *arg = &c->x->args[i];
        if (gh_percent_decode(c->x->arena, *arg, false, arg)) {
            respond_error(c->x, 400, "Path validation error: 'Invalid percent-encoding'.", "invalid_uri");
            return false;
        }
        if (!gh_contract_check_text(&gh_contract_parameters[c->op->path_parameters + i], *arg, &why))
            return respond_invalid(c, "Path", "invalid_uri", &why);
    }
    return true;
}

static bool query_is_valid(struct gh_call *c) {
    gh_auto(gh_buf_release) struct gh_buf why = gh_buf_make(16384);
    if (!gh_contract_check_query(c->op, c->x->query, c->x->query_count, &why))
        return respond_invalid(c, "Query", "invalid_query_string", &why);
    return true;
}

/* A GET's body is ignored: old Go clients send `null` (recorded). */
static bool body_is_valid(struct gh_call *c) {
    gh_auto(gh_buf_release) struct gh_buf why = gh_buf_make(16384);
    const char *words = "";
    if (c->op->body == GH_SCHEMA_NONE)
        return true;
    if (c->x->body.len == 0 && !c->op->body_required)
        return true;
    enum gh_err e = c->x->body.len ? gh_request_json(c->x, &c->body, &words) : GH_ERR_MALFORMED;
    if (e == GH_ERR_MALFORMED || e == GH_ERR_TOO_LARGE) {
        struct gh_str text = gh_arena_printf(c->x->arena, "Invalid request payload JSON format: %s",
                                             words && *words ? words : "a body is required");
        respond_error(c->x, 400, text.ptr ? text.ptr : "Invalid request payload JSON format", "invalid_body");
        return false;
    }
    if (e) {
        respond_error(c->x, 503, "The service is not available; try again.", NULL);
        return false;
    }
    if (!gh_contract_check(c->op->body, c->body, &why))
        return respond_invalid(c, "Payload", "invalid_body", &why);
    return true;
}

/* --- the way through a handler --- */

static void finish(struct gh_call *c, enum gh_err e) {
    struct gh_exchange *x = c->x;
    json_t *answer = c->answer;
    c->answer = NULL;
    if (e) {
        json_decref(answer);
        if (c->failure.status) {
            respond_error(x, c->failure.status, c->failure.message, c->failure.code);
            return;
        }
        gh_log(GH_LOG_ERROR, "api.failed", "operation", "%s", c->op->id, "err", "%s", gh_err_name(e), NULL);
        respond_error(x, 503, "The service is not available; try again.", NULL);
        return;
    }
    if (answer)
        gh_respond_json(x, c->status, answer);
    else
        gh_respond_empty(x, c->status);
}

static void written(struct gh_exchange *x) {
    finish(x->state, x->err);
}

/* The handler and its audit row, in one transaction. */
static enum gh_err write_closure(struct gh_db *db, struct gh_exchange *x) {
    struct gh_call *c = x->state;
    enum gh_err e = c->handler->run(db, c);
    if (e)
        return e;
    c->audited.type = "sapi";
    c->audited.description = c->handler->audit;
    if (!c->audited.client_id.ptr)
        c->audited.client_id = c->caller.client;
    return gh_audit_write(db, x, &c->audited);
}

static void hashed(struct gh_exchange *x) {
    if (x->err)
        finish(x->state, x->err);
    else
        gh_await_write(x, write_closure, written);
}

static void run(struct gh_call *c) {
    struct gh_exchange *x = c->x;
    if (c->handler->audit) {
        enum gh_err e = c->handler->prepare ? c->handler->prepare(x->db, c) : GH_OK;
        if (e)
            finish(c, e);
        else if (c->handler->hash && c->handler->hash_wanted(c))
            gh_await_work(x, GH_POOL_HASH, c->handler->hash, hashed);
        else
            gh_await_write(x, write_closure, written);
        return;
    }
    enum gh_err e = gh_db_read_begin(x->db);
    if (!e) {
        e = c->handler->run(x->db, c);
        gh_db_read_end(x->db);
    }
    finish(c, e);
}

void gh_api_dispatch(struct gh_exchange *x) {
    size_t args;
    bool other_method;
    common_headers(x);
    struct gh_call *c = GH_NEW(x->arena, struct gh_call);
    if (!c) {
        respond_error(x, 503, "The service is not available; try again.", NULL);
        return;
    }
    x->state = c;
    c->x = x;
    c->now = gh_clock_milliseconds();

    c->op = gh_contract_match(x->method, gh_str_skip(x->path, prefix.len), x->args, &args, &other_method);
    if (!authenticate(c))
        return;
    if (!c->op) {
        respond_error(x, other_method ? 405 : 404, other_method ? "Method Not Allowed" : "Not Found", NULL);
        return;
    }
    c->handler = &gh_handlers[c->op - gh_contract_operations];
    if (!c->handler->run || !gh_call_may(c)) {
        respond_forbidden(c);
        return;
    }
    if (!path_is_valid(c, args) || !query_is_valid(c) || !body_is_valid(c))
        return;
    if (!gh_call_may_so(c)) { /* only now is it known what exactly is asked */
        respond_forbidden(c);
        return;
    }
    c->status = c->op->success;
    enum gh_err e = gh_paging_read(c);
    if (e)
        finish(c, e);
    else
        run(c);
}
