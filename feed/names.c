#include "feed/names.h"

static const char *const epochs[] = {
    [GH_EPOCH_GLOBAL] = "global",
    [GH_EPOCH_USER] = "user",
    [GH_EPOCH_ORGANIZATION] = "organization",
    [GH_EPOCH_CLIENT] = "client",
    [GH_EPOCH_MEMBER] = "member",
    [GH_EPOCH_TOKEN] = "token",
    [GH_EPOCH_SUSPENDED] = "suspended",
    [GH_EPOCH_GRANT] = "grant",
    [GH_EPOCH_AUDIENCE] = "audience",
};
static const char *const facts[] = { [GH_FACT_MODELS_BIND] = "models_bind", [GH_FACT_MODELS] = "models" };

const char *gh_epoch_name(enum gh_epoch_kind kind) {
    return (size_t)kind < GH_COUNT(epochs) ? epochs[kind] : NULL;
}

const char *gh_fact_name(enum gh_fact_kind kind) {
    return (size_t)kind < GH_COUNT(facts) ? facts[kind] : NULL;
}

static bool find(const char *const *names, size_t count, struct gh_str name, size_t *ret) {
    for (*ret = 0; *ret < count; ++*ret)
        if (gh_str_is(name, names[*ret]))
            return true;
    return false;
}

bool gh_epoch_from_name(struct gh_str name, enum gh_epoch_kind *ret) {
    size_t at;
    bool found = find(epochs, GH_COUNT(epochs), name, &at);
    if (found)
        *ret = (enum gh_epoch_kind)at;
    return found;
}

bool gh_fact_from_name(struct gh_str name, enum gh_fact_kind *ret) {
    size_t at;
    bool found = find(facts, GH_COUNT(facts), name, &at);
    if (found)
        *ret = (enum gh_fact_kind)at;
    return found;
}
