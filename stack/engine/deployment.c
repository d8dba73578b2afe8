#include "stack/engine/deployment.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/schema.h"
#include "stack/value.h"

#define PROVIDER_VERSION "3.49.0" /* of stack/contract/pulumi-auth0.json */

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

/* Sealed ones are Pulumi's own already; opened ones carry their JSON text as "plaintext". */
static enum gh_err converted_secret(const json_t *value, json_t **ret) {
    json_t *plain = json_object_get(value, "value");
    if (!plain && !json_object_get(value, "ciphertext"))
        return GH_ERR_UNSUPPORTED;
    if (!plain) {
        *ret = json_deep_copy(value);
        return *ret ? GH_OK : GH_ERR_NOMEM;
    }
    char *json = json_dumps(plain, JSON_ENCODE_ANY | JSON_COMPACT);
    *ret = json_pack("{s:s, s:s}", GH_SECRET_KEY, GH_SECRET_MARK, "plaintext", json);
    free(json);
    return *ret ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err converted(void *context, const char *key, json_t *value, json_t **ret) {
    return gh_value_is_secret(value) ? converted_secret(value, ret)
                                     : gh_value_each(value, converted, NULL, ret);
}

static json_t *urn(const struct gh_deployment *d, const char *type, const char *name) {
    return json_sprintf("urn:pulumi:%s::%s::%s::%s", d->stack, d->project, type, name);
}

static json_t *stack_urn(const struct gh_deployment *d) {
    return json_sprintf("urn:pulumi:%s::%s::pulumi:pulumi:Stack::%s-%s", d->stack, d->project, d->project,
                        d->stack);
}

static json_t *provider_urn(const struct gh_deployment *d) {
    return urn(d, "pulumi:providers:auth0", "default_3_49_0");
}

static enum gh_err digest(const char *what, unsigned char hash[EVP_MAX_MD_SIZE]) {
    return EVP_Digest(what, strlen(what), hash, NULL, EVP_sha256(), NULL) == 1 ? GH_OK : GH_ERR_CRYPTO;
}

/* The same in every export: an id in the form of a UUID, made of the provider's URN. */
static json_t *provider_id(const struct gh_deployment *d) {
    unsigned char h[EVP_MAX_MD_SIZE] = { 0 };
    json_t *name = provider_urn(d);
    enum gh_err e = digest(json_string_value(name), h);
    json_decref(name);
    return e ? NULL
             : json_sprintf("%02x%02x%02x%02x-%02x%02x-4%x%02x-a%x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
                            h[2], h[3], h[4], h[5], h[6] & 15, h[7], h[8] & 15, h[9], h[10], h[11], h[12],
                            h[13], h[14], h[15]);
}

/* manifest.magic is the digest of manifest.version: Pulumi checks it. */
static json_t *manifest(const struct gh_deployment *d) {
    unsigned char hash[EVP_MAX_MD_SIZE];
    char magic[65] = "";
    if (digest(d->version, hash) != GH_OK)
        return NULL;
    for (size_t i = 0; i < 32; i++)
        snprintf(magic + 2 * i, 3, "%02x", hash[i]);
    return json_pack("{s:s, s:s, s:s}", "time", "0001-01-01T00:00:00Z", "magic", magic, "version",
                     d->version);
}

/* A snapshot must name only what stands before: others (of what is only read, say) are left out. */
static json_t *dependencies(const struct gh_deployment *d, const json_t *entry, size_t before) {
    json_t *list = json_array(), *name;
    size_t i;
    json_array_foreach(json_object_get(entry, "dependsOn"), i, name) {
        for (size_t k = 0; k < before; k++) {
            const json_t *other = json_array_get(d->resources, k);
            const char *wanted = json_string_value(name);
            if (!wanted || strcmp(text(other, "name"), wanted) != 0 || json_object_get(other, "replaced"))
                continue;
            json_array_append_new(list, urn(d, text(other, "type"), wanted));
            break;
        }
    }
    return list;
}

static enum gh_err resource(const struct gh_deployment *d, size_t at, const char *provider, json_t **ret) {
    const json_t *entry = json_array_get(d->resources, at);
    json_t *inputs = NULL;
    enum gh_err e = converted(NULL, NULL, json_object_get(entry, "inputs"), &inputs);
    if (e)
        return e;
    json_t *outputs = json_copy(inputs); /* what it has of its own, `pulumi refresh` reads */
    json_object_set(outputs, "id", json_object_get(entry, "id"));
    json_t *r = json_pack("{s:o, s:b, s:O, s:O, s:o, s:o, s:o, s:s, s:o}", "urn",
                          urn(d, text(entry, "type"), text(entry, "name")), "custom", 1, "id",
                          json_object_get(entry, "id"), "type", json_object_get(entry, "type"), "inputs",
                          inputs, "outputs", outputs, "parent", stack_urn(d), "provider", provider,
                          "dependencies", dependencies(d, entry, at));
    if (!r)
        return GH_ERR_NOMEM;
    static const char *const flags[][2] = { { "protect", "protect" },
                                            { "retainOnDelete", "retainOnDelete" },
                                            { "replaced", "delete" } };
    for (size_t i = 0; i < GH_COUNT(flags); i++)
        if (json_is_true(json_object_get(entry, flags[i][0])))
            json_object_set_new(r, flags[i][1], json_true());
    if (json_is_true(json_object_get(entry, "imported")))
        json_object_set(r, "importID", json_object_get(entry, "id"));
    /* What was adopted is given back here, and Pulumi knows no such thing: it must not delete it. */
    if (json_is_true(json_object_get(entry, "adopted")))
        json_object_set_new(r, "retainOnDelete", json_true());
    *ret = r;
    return GH_OK;
}

static enum gh_err all_resources(const struct gh_deployment *d, json_t *list) {
    json_t *outputs = NULL, *one;
    enum gh_err e = converted(NULL, NULL, d->outputs, &outputs);
    if (e)
        return e;
    json_t *id = provider_id(d), *name = provider_urn(d);
    json_array_append_new(list, json_pack("{s:o, s:b, s:s, s:o}", "urn", stack_urn(d), "custom", 0, "type",
                                          "pulumi:pulumi:Stack", "outputs", outputs));
    json_array_append_new(list, json_pack("{s:O, s:b, s:O, s:s, s:{s:s}, s:{s:s}}", "urn", name, "custom", 1,
                                          "id", id, "type", "pulumi:providers:auth0", "inputs", "version",
                                          PROVIDER_VERSION, "outputs", "version", PROVIDER_VERSION));
    json_t *provider = json_sprintf("%s::%s", json_string_value(name), id ? json_string_value(id) : "");
    for (size_t i = 0; i < json_array_size(d->resources) && !e; i++)
        if (!(e = resource(d, i, json_string_value(provider), &one)))
            json_array_append_new(list, one);
    size_t made = json_array_size(list), want = json_array_size(d->resources) + 2;
    json_decref(provider);
    json_decref(name);
    json_decref(id);
    return e ? e : made == want ? GH_OK : GH_ERR_NOMEM;
}

enum gh_err gh_deployment_make(const struct gh_deployment *d, json_t **ret) {
    json_t *resources = json_array();
    enum gh_err e = all_resources(d, resources);
    if (e) {
        json_decref(resources);
        return e;
    }
    json_t *deployment =
        json_pack("{s:o, s:o, s:{}}", "manifest", manifest(d), "resources", resources, "metadata");
    if (deployment && d->salt)
        json_object_set_new(deployment, "secrets_providers",
                            json_pack("{s:s, s:{s:s}}", "type", "passphrase", "state", "salt", d->salt));
    *ret = json_pack("{s:i, s:o}", "version", 3, "deployment", deployment);
    return *ret ? GH_OK : GH_ERR_NOMEM;
}
