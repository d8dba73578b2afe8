/* tenant/api/scopes.c - what a caller's scopes permit. The contract says which scopes an operation knows;
 * some of them permit only a part of it - the caller's own user, one member of the body - or only add to what
 * another one shows, and alone permit nothing. */
#include "core/decide.h"
#include "tenant/api/call.h"

static bool body_has_only(const struct gh_call *c, const char *name) {
    return json_object_size(c->body) == 1 && json_object_get(c->body, name);
}

static bool own_user(const struct gh_call *c) {
    return c->caller.subject.len > 0 && gh_str_eq(c->caller.subject, c->x->args[0]);
}

static bool own_user_metadata(const struct gh_call *c) {
    return own_user(c) && body_has_only(c, "user_metadata");
}

static bool app_metadata(const struct gh_call *c) {
    return body_has_only(c, "app_metadata");
}

static bool client_secret(const struct gh_call *c) {
    return body_has_only(c, "client_secret");
}

static bool client_credentials(const struct gh_call *c) {
    return body_has_only(c, "client_authentication_methods");
}

static bool token_vault(const struct gh_call *c) {
    return body_has_only(c, "token_vault_privileged_access");
}

static bool nothing(const struct gh_call *c) {
    return false;
}

/* They bind only where an operation knows other scopes too. */
static const struct {
    const char *scope;
    bool (*covers)(const struct gh_call *c);
} narrow[] = {
    { "create:organization_connections", nothing },
    { "delete:current_user", own_user },
    { "read:client_credentials", nothing },
    { "read:client_keys", nothing },
    { "read:client_summary", nothing },
    { "read:current_user", own_user },
    { "read:organizations_summary", nothing },
    { "read:user_idp_tokens", nothing },
    { "update:client_credentials", client_credentials },
    { "update:client_keys", client_secret },
    { "update:client_token_vault_privileged_access", token_vault },
    { "update:current_user_metadata", own_user_metadata },
    { "update:users_app_metadata", app_metadata },
};

/* Machines hold their scopes in `scope`; with an API that enforces policies also in `permissions`. */
bool gh_call_has_scope(const struct gh_call *c, const char *scope) {
    struct gh_str rest = c->caller.scope, word, wanted = gh_str_from(scope);
    bool more = rest.len > 0;
    while (more) {
        word = rest;
        more = gh_str_cut(&rest, ' ', &word);
        if (gh_str_eq(word, wanted))
            return true;
    }
    return gh_claims_have_permission(&c->caller, wanted);
}

static bool covers(const struct gh_call *c, const char *scope) {
    if (c->op->any_count == 1)
        return true;
    for (size_t i = 0; i < GH_COUNT(narrow); i++)
        if (strcmp(scope, narrow[i].scope) == 0)
            return narrow[i].covers(c);
    return true;
}

static bool permitted(const struct gh_call *c, bool validated) {
    const struct gh_operation *op = c->op;
    bool any = op->any_count == 0 && op->all_count > 0; /* no scope known at all: nobody */
    for (size_t i = 0; i < op->any_count && !any; i++) {
        const char *scope = gh_contract_names[op->any + i];
        any = gh_call_has_scope(c, scope) && (!validated || covers(c, scope));
    }
    for (size_t i = 0; i < op->all_count && any; i++)
        any = gh_call_has_scope(c, gh_contract_names[op->all + i]);
    return any;
}

bool gh_call_may(const struct gh_call *c) {
    return permitted(c, false);
}

bool gh_call_may_so(const struct gh_call *c) {
    return permitted(c, true);
}
