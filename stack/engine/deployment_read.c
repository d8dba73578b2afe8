/* The state of the real Pulumi, or what `stack export` wrote, as entries of a ledger. */
#include <string.h>

#include "stack/engine/deployment.h"
#include "stack/engine/mapping.h"
#include "stack/engine/provider.h"
#include "stack/engine/urn.h"
#include "stack/value.h"

#define DEEPEST 64

static const struct gh_position nowhere;

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

static enum gh_err refuse(const struct gh_deployment_source *s, enum gh_err e, const char *urn,
                          const char *why) {
    gh_diagnose(s->diagnostics, GH_SEVERITY_ERROR, nowhere, "%s%s%s", urn, *urn ? ": " : "", why);
    return e;
}

/* A secret keeps its ciphertext, or is opened; assets and the like are not for us. */
static enum gh_err special(const json_t *value, json_t **ret) {
    json_t *cipher = json_object_get(value, "ciphertext"), *plain = json_object_get(value, "plaintext");
    if (!gh_value_is_secret(value) || (!json_is_string(cipher) && !json_is_string(plain)))
        return GH_ERR_UNSUPPORTED;
    if (json_is_string(cipher)) {
        *ret = json_pack("{s:s, s:O}", GH_SECRET_KEY, GH_SECRET_MARK, "ciphertext", cipher);
        return *ret ? GH_OK : GH_ERR_NOMEM;
    }
    json_t *inner = json_loadb(json_string_value(plain), json_string_length(plain),
                               JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!inner)
        return GH_ERR_MALFORMED;
    *ret = gh_value_secret(inner);
    return *ret ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err value_at(void *context, const char *key, json_t *value, json_t **ret) {
    int depth = *(int *)context + 1;
    if (key && strcmp(key, "__defaults") == 0) /* what the provider's SDK remembers: nothing was declared */
        return GH_OK;
    if (depth > DEEPEST)
        return GH_ERR_TOO_LARGE;
    return json_object_get(value, GH_SECRET_KEY) ? special(value, ret)
                                                 : gh_value_each(value, value_at, &depth, ret);
}

static enum gh_err value_of(json_t *value, json_t **ret) {
    int above = -1;
    return value_at(&above, NULL, value, ret);
}

/* What we call a secret is one, whatever the other called it. */
static void hide_secrets(const struct gh_resource_type *type, json_t *inputs) {
    for (size_t i = 0; i < type->input_count; i++) {
        json_t *value = json_object_get(inputs, type->inputs[i].name);
        if (value && !json_is_null(value) && gh_mapping_is_secret(&type->inputs[i]) &&
            !gh_value_is_secret(value))
            json_object_set_new(inputs, type->inputs[i].name, gh_value_secret(json_incref(value)));
    }
}

static bool is_ours(const json_t *r) {
    return json_is_true(json_object_get(r, "custom")) && !json_is_true(json_object_get(r, "external")) &&
           strncmp(text(r, "type"), "pulumi:", 7) != 0;
}

static enum gh_err check(const struct gh_deployment_source *s, const json_t *r, struct gh_urn *u) {
    const char *urn = text(r, "urn");
    if (!gh_urn_parse(gh_str_from(urn), u) || !gh_str_is(u->type, text(r, "type")))
        return refuse(s, GH_ERR_MALFORMED, urn, "the resource has no proper URN");
    if (!s->force && (!gh_str_is(u->stack, s->stack) || !gh_str_is(u->project, s->project)))
        return refuse(s, GH_ERR_CONFLICT, urn,
                      "the resource belongs to another stack or project; --force takes it all the same");
    if (!is_ours(r))
        return GH_OK;
    if (!gh_provider_find(text(r, "type")))
        return refuse(s, GH_ERR_UNSUPPORTED, urn, "resources of this type cannot be managed here");
    if (!*text(r, "id") || !json_is_object(json_object_get(r, "inputs")))
        return refuse(s, GH_ERR_MALFORMED, urn, "the resource has no id or no inputs");
    return GH_OK;
}

static json_t *depends_on(const json_t *r) {
    json_t *list = json_array(), *urn;
    size_t i;
    json_array_foreach(json_object_get(r, "dependencies"), i, urn) {
        struct gh_urn u;
        bool ours = json_is_string(urn) && gh_urn_parse(gh_str_from(json_string_value(urn)), &u) &&
                    !gh_str_starts(u.type, GH_STR("pulumi:"));
        if (ours)
            json_array_append_new(list, json_stringn(u.name.ptr, u.name.len));
    }
    return list;
}

static void copy_flags(const json_t *r, json_t *entry) {
    static const char *const flags[][2] = { { "protect", "protect" },
                                            { "retainOnDelete", "retainOnDelete" },
                                            { "delete", "replaced" } };
    for (size_t i = 0; i < GH_COUNT(flags); i++)
        if (json_is_true(json_object_get(r, flags[i][0])))
            json_object_set_new(entry, flags[i][1], json_true());
    if (*text(r, "importID"))
        json_object_set_new(entry, "imported", json_true());
}

static enum gh_err entry_of(const struct gh_deployment_source *s, const json_t *r, const struct gh_urn *u,
                            json_t **ret) {
    json_t *inputs = NULL;
    enum gh_err e = value_of(json_object_get(r, "inputs"), &inputs);
    if (e)
        return refuse(s, e, text(r, "urn"),
                      "its inputs hold what is no value of a stack, or a secret of another form");
    hide_secrets(gh_schema_resource(u->type), inputs);
    json_t *entry = json_pack("{s:s%, s:O, s:O, s:o, s:o}", "name", u->name.ptr, u->name.len, "type",
                              json_object_get(r, "type"), "id", json_object_get(r, "id"), "inputs", inputs,
                              "dependsOn", depends_on(r));
    if (!entry)
        return GH_ERR_NOMEM;
    copy_flags(r, entry);
    *ret = entry;
    return GH_OK;
}

/* One resource has one entry, beside those that it replaced. */
static bool is_taken(json_t *seen, const json_t *entry) {
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(65536);
    gh_buf_addf(&key, "%s::%s", text(entry, "type"), text(entry, "name"));
    if (json_object_get(entry, "replaced") || key.failed)
        return key.failed;
    bool taken = json_object_get(seen, key.ptr);
    json_object_set_new(seen, key.ptr, json_true());
    return taken;
}

static enum gh_err read_resource(const struct gh_deployment_source *s, const json_t *r, json_t *seen,
                                 json_t *document) {
    struct gh_urn u;
    json_t *entry = NULL, *outputs = NULL;
    enum gh_err e = check(s, r, &u);
    if (!e && gh_str_is(u.type, "pulumi:pulumi:Stack") && json_object_get(r, "outputs")) {
        e = value_of(json_object_get(r, "outputs"), &outputs);
        if (!e && json_is_object(outputs))
            json_object_set(document, "outputs", outputs);
        json_decref(outputs);
        return e ? refuse(s, e, text(r, "urn"), "its outputs hold what is no value of a stack") : GH_OK;
    }
    if (e || !is_ours(r))
        return e;
    e = entry_of(s, r, &u, &entry);
    if (!e && is_taken(seen, entry))
        e = refuse(s, GH_ERR_CONFLICT, text(r, "urn"), "there are two resources of this type and name");
    if (!e && json_array_append(json_object_get(document, "resources"), entry) != 0)
        e = GH_ERR_NOMEM;
    json_decref(entry);
    return e;
}

const char *gh_deployment_salt(const json_t *deployment) {
    const json_t *secrets = json_object_get(json_object_get(deployment, "deployment"), "secrets_providers");
    return strcmp(text(secrets, "type"), "passphrase") == 0
               ? json_string_value(json_object_get(json_object_get(secrets, "state"), "salt"))
               : NULL;
}

enum gh_err gh_deployment_read(const struct gh_deployment_source *s, const json_t *deployment, json_t **ret) {
    const json_t *inner = json_object_get(deployment, "deployment"), *r;
    const json_t *resources = json_object_get(inner, "resources");
    if (json_integer_value(json_object_get(deployment, "version")) != 3 || !json_is_object(inner))
        return refuse(s, GH_ERR_UNSUPPORTED, "", "the file is no deployment of version 3");
    if (resources && !json_is_array(resources) && !json_is_null(resources))
        return refuse(s, GH_ERR_MALFORMED, "", "the resources of the deployment are no list");
    json_t *document = json_pack("{s:[], s:{}}", "resources", "outputs"), *seen = json_object();
    enum gh_err e = document && seen ? GH_OK : GH_ERR_NOMEM;
    size_t i;
    json_array_foreach(resources, i, r) {
        enum gh_err one = e == GH_ERR_NOMEM ? e : read_resource(s, r, seen, document);
        e = e ? e : one;
    }
    json_decref(seen);
    if (e)
        json_decref(document);
    else
        *ret = document;
    return e;
}
