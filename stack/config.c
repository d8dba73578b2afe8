/* Pulumi.<stack>.yaml: reading, secrets, and values by their declared types. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "stack/config_private.h"
#include "sys/file.h"

const char *gh_config_stack(const struct gh_config *c) {
    return c->stack;
}

json_t *gh_config_values(const struct gh_config *c) {
    return c->values;
}

const char *gh_config_salt(const struct gh_config *c) {
    return config_saved_state(c);
}

/* ---- the passphrase ---- */

static bool passphrase_from_file(const char *path, struct gh_buf *ret) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(16384);
    struct gh_str text;
    if (!a || gh_file_read(a, path, GH_LIMIT_PASSWORD + 2, &text))
        return false;
    struct gh_str trimmed = text;
    while (trimmed.len && strchr("\r\n\t ", trimmed.ptr[trimmed.len - 1]))
        trimmed.len--;
    gh_buf_add(ret, trimmed);
    OPENSSL_cleanse((char *)(uintptr_t)text.ptr, text.len);
    return true;
}

/* An empty passphrase counts when the variable is set, as in Pulumi. */
static bool find_passphrase(struct gh_buf *ret) {
    const char *text = getenv("PULUMI_CONFIG_PASSPHRASE"), *file = getenv("PULUMI_CONFIG_PASSPHRASE_FILE");
    if (text) {
        gh_buf_add(ret, gh_str_from(text));
        return true;
    }
    return file && *file && passphrase_from_file(file, ret);
}

const char *config_saved_state(const struct gh_config *c) {
    const struct gh_yaml *salt = c->root ? gh_yaml_get(c->root, GH_STR("encryptionsalt")) : NULL;
    return salt && salt->kind == GH_YAML_SCALAR ? salt->text.ptr : NULL;
}

enum gh_err config_crypter_open(struct gh_config *c, struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf passphrase = gh_buf_make(GH_LIMIT_PASSWORD + 2);
    if (c->crypter || !find_passphrase(&passphrase))
        return GH_OK;
    enum gh_err e = gh_crypter_new(gh_buf_str(&passphrase), config_saved_state(c), &c->crypter);
    OPENSSL_cleanse(passphrase.ptr, passphrase.len);
    if (e == GH_ERR_CRYPTO)
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c), "the passphrase is not the one of this stack");
    else if (e)
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c), "encryptionsalt %s", gh_err_text(e));
    return e;
}

enum gh_err gh_config_crypter_for(const char *state, struct gh_crypter **ret) {
    gh_auto(gh_buf_release) struct gh_buf passphrase = gh_buf_make(GH_LIMIT_PASSWORD + 2);
    if (!find_passphrase(&passphrase))
        return GH_ERR_UNSUPPORTED;
    enum gh_err e = gh_crypter_new(gh_buf_str(&passphrase), state, ret);
    OPENSSL_cleanse(passphrase.ptr, passphrase.len);
    return e;
}

/* ---- reading ---- */

static json_t *opened(struct gh_config *c, const char *sealed, struct gh_diagnostics *d, enum gh_err *error) {
    *error = config_crypter_open(c, d);
    if (*error || !c->crypter)
        return gh_value_secret(json_null()); /* locked */
    gh_auto(gh_buf_release) struct gh_buf plain = gh_buf_make(GH_LIMIT_STACK_FILE);
    *error = gh_crypter_decrypt(c->crypter, gh_str_from(sealed), &plain);
    if (*error)
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c), "a secret of the stack cannot be opened: it %s",
                    *error == GH_ERR_CRYPTO ? "was made with another passphrase, or changed"
                                            : gh_err_text(*error));
    json_t *ret = *error ? NULL : gh_value_secret(json_stringn(plain.ptr ? plain.ptr : "", plain.len));
    if (plain.ptr)
        OPENSSL_cleanse(plain.ptr, plain.len);
    return ret;
}

/* {secure: v1:…} at any depth becomes a secret. Steals the value. */
static json_t *unseal(struct gh_config *c, json_t *value, struct gh_diagnostics *d, enum gh_err *error) {
    const char *sealed =
        json_object_size(value) == 1 ? json_string_value(json_object_get(value, "secure")) : NULL;
    json_t *item, *ret = sealed ? opened(c, sealed, d, error) : NULL;
    const char *key;
    size_t i;
    if (sealed) {
        json_decref(value);
        return ret;
    }
    json_object_foreach(value, key, item) {
        if (!*error)
            json_object_set_new(value, key, unseal(c, json_incref(item), d, error));
    }
    json_array_foreach(value, i, item) {
        if (!*error)
            json_array_set_new(value, i, unseal(c, json_incref(item), d, error));
    }
    return value;
}

void config_full_key(const struct gh_config *c, struct gh_str key, struct gh_buf *ret) {
    if (key.len == 0 || !memchr(key.ptr, ':', key.len))
        gh_buf_addf(ret, "%s:", gh_program_name(c->program));
    gh_buf_add(ret, key);
}

static enum gh_err read_value(struct gh_config *c, const struct gh_yaml *v, struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(4096);
    const struct gh_yaml *culprit = v;
    enum gh_err e = GH_OK;
    json_t *value = gh_yaml_json(v, &culprit);
    config_full_key(c, v->key->text, &key);
    if (!value || key.failed) {
        struct gh_position at = { c->shown, culprit->line, culprit->column };
        gh_diagnose(d, GH_SEVERITY_ERROR, at, "YAML readers disagree about this value: put it in quotes");
        json_decref(value);
        return GH_ERR_MALFORMED;
    }
    value = unseal(c, value, d, &e);
    if (!e && json_object_set_new(c->values, key.ptr, value) != 0)
        e = GH_ERR_NOMEM;
    else if (e)
        json_decref(value);
    return e;
}

static enum gh_err read_values(struct gh_config *c, struct gh_diagnostics *d) {
    const struct gh_yaml *config = gh_yaml_get(c->root, GH_STR("config"));
    if (c->root->kind != GH_YAML_MAPPING && !gh_yaml_is_null(c->root)) {
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c), "a stack file is a map");
        return GH_ERR_MALFORMED;
    }
    if (config && config->kind != GH_YAML_MAPPING && !gh_yaml_is_null(config)) {
        struct gh_position at = { c->shown, config->line, config->column };
        gh_diagnose(d, GH_SEVERITY_ERROR, at, "config must be a map");
        return GH_ERR_MALFORMED;
    }
    for (const struct gh_yaml *v = config ? config->first : NULL; v; v = v->next) {
        enum gh_err e = read_value(c, v, d);
        if (e)
            return e;
    }
    return GH_OK;
}

enum gh_err config_load(struct gh_config *c, struct gh_arena *a, struct gh_str text,
                        struct gh_diagnostics *d) {
    const struct gh_yaml *root;
    enum gh_err e = gh_yaml_parse(a, c->shown, text, d, &root);
    if (e) {
        gh_arena_free(a);
        return e;
    }
    gh_arena_free(c->arena);
    json_decref(c->values);
    c->arena = a;
    c->text = text;
    c->root = root;
    c->values = json_object();
    return c->values ? read_values(c, d) : GH_ERR_NOMEM;
}

static bool stack_name_is_good(const char *stack) {
    size_t n = strlen(stack);
    return n > 0 && n <= 100 && stack[0] != '.' &&
           strspn(stack, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == n;
}

enum gh_err gh_config_open(const char *dir, const char *stack, const struct gh_program *p,
                           struct gh_diagnostics *d, struct gh_config **ret) {
    if (!stack_name_is_good(stack)) {
        gh_diagnose(d, GH_SEVERITY_ERROR, (struct gh_position){ 0 },
                    "a stack's name holds letters, digits, '-', '_' and '.', at most 100");
        return GH_ERR_MALFORMED;
    }
    gh_auto(gh_config_freep) struct gh_config *c = calloc(1, sizeof *c);
    struct gh_arena *a = gh_arena_new(CONFIG_ARENA);
    if (!c || !a || asprintf(&c->path, "%s/Pulumi.%s.yaml", dir, stack) < 0 || !(c->stack = strdup(stack))) {
        gh_arena_free(a);
        return GH_ERR_NOMEM;
    }
    c->program = p;
    c->shown = strncmp(c->path, "./", 2) == 0 ? c->path + 2 : c->path;
    struct gh_str text = { 0 };
    enum gh_err e = gh_file_read(a, c->path, GH_LIMIT_STACK_FILE, &text);
    if (e && e != GH_ERR_NOT_FOUND) {
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c), "the stack's file %s", gh_err_text(e));
        gh_arena_free(a);
        return e;
    }
    gh_diagnostics_source(d, c->shown, text);
    e = config_load(c, a, e ? (struct gh_str){ 0 } : text, d);
    if (!e) {
        *ret = c;
        c = NULL;
    }
    return e;
}

void gh_config_free(struct gh_config *c) {
    if (!c)
        return;
    gh_arena_free(c->arena);
    json_decref(c->values);
    gh_crypter_free(c->crypter);
    free(c->stack);
    free(c->path);
    free(c);
}

/* ---- values by their declared type ---- */

static json_t *parsed(const char *text, size_t len, bool (*is)(const json_t *)) {
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (is(value))
        return value;
    json_decref(value);
    return NULL;
}

static bool is_integer(const json_t *v) {
    return json_is_integer(v);
}

static bool is_number(const json_t *v) {
    return json_is_number(v);
}

static bool is_boolean(const json_t *v) {
    return json_is_boolean(v);
}

static bool is_array(const json_t *v) {
    return json_is_array(v);
}

static bool is_object(const json_t *v) {
    return json_is_object(v) && !gh_value_is_secret(v);
}

json_t *config_typed(json_t *value, const char *type) {
    static const struct {
        const char *name;
        bool (*is)(const json_t *);
    } types[] = { { "integer", is_integer },
                  { "number", is_number },
                  { "boolean", is_boolean },
                  { "array", is_array },
                  { "object", is_object } };
    if (!type)
        return json_incref(value);
    for (size_t i = 0; i < GH_COUNT(types); i++) {
        if (strcmp(type, types[i].name) != 0)
            continue;
        if (json_is_string(value))
            return parsed(json_string_value(value), json_string_length(value), types[i].is);
        return types[i].is(value) ? json_incref(value) : NULL;
    }
    if (json_is_string(value))
        return json_incref(value);
    if (!json_is_integer(value) && !json_is_boolean(value))
        return NULL;
    char *text = json_dumps(value, JSON_ENCODE_ANY); /* an unquoted 5 or true where a text is meant */
    json_t *ret = text ? json_string(text) : NULL;
    free(text);
    return ret;
}

const struct declaration *config_declared(const struct gh_config *c, struct gh_str full) {
    struct gh_str rest = full, project;
    bool own = gh_str_cut(&rest, ':', &project) && gh_str_is(project, gh_program_name(c->program));
    const struct declaration *d = graph_find(c->program, own ? rest : full);
    return d && d->kind == DECLARED_CONFIG ? d : NULL;
}

static bool is_locked(const json_t *value) {
    return gh_value_is_secret(value) && json_is_null(json_object_get(value, "value"));
}

/* The value before its type is looked at: the stack's, else the program's; new reference or NULL. */
static json_t *raw_value(const struct gh_config *c, const char *full, const struct declaration *d) {
    json_t *value = json_object_get(c->values, full);
    if (value)
        return json_incref(value);
    const struct gh_yaml *culprit, *literal = !d ? NULL : d->value ? d->value : d->default_value;
    return literal ? gh_yaml_json(literal, &culprit) : NULL;
}

static json_t *value_of(const struct gh_config *c, const char *full, const struct declaration *d) {
    json_t *raw = raw_value(c, full, d);
    if (!raw || is_locked(raw)) {
        json_decref(raw);
        return NULL;
    }
    bool secret = gh_value_is_secret(raw) || (d && d->secret);
    json_t *value = config_typed(gh_value_reveal(raw), d ? d->type : NULL);
    json_decref(raw);
    return value && secret ? gh_value_secret(value) : value;
}

json_t *gh_config_get(const struct gh_config *c, const char *key) {
    gh_auto(gh_buf_release) struct gh_buf full = gh_buf_make(4096);
    config_full_key(c, gh_str_from(key), &full);
    return full.failed ? NULL : value_of(c, full.ptr, config_declared(c, gh_buf_str(&full)));
}

static bool has_locked(json_t *value) {
    const char *key;
    json_t *child;
    size_t i;
    bool locked = is_locked(value);
    json_object_foreach(value, key, child) locked |= has_locked(child);
    json_array_foreach(value, i, child) locked |= has_locked(child);
    return locked;
}

static void add_declared(const struct gh_config *c, const struct declaration *v, json_t *values) {
    gh_auto(gh_buf_release) struct gh_buf full = gh_buf_make(4096);
    config_full_key(c, v->name, &full);
    json_t *value = full.failed ? NULL : value_of(c, full.ptr, v);
    if (value)
        json_object_set_new(values, full.ptr, value);
}

enum gh_err gh_config_for_host(const struct gh_config *c, struct gh_diagnostics *d, json_t **ret) {
    json_t *values = json_copy(c->values), *value;
    const char *key;
    *ret = NULL;
    json_object_foreach(values, key, value) {
        if (!has_locked(value))
            continue;
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c), "configuration value '%s' is a locked secret", key);
        gh_diagnose_detail(d, "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE");
        json_decref(values);
        return GH_ERR_MALFORMED;
    }
    for (size_t i = 0; i < c->program->count; i++)
        if (c->program->all[i]->kind == DECLARED_CONFIG)
            add_declared(c, c->program->all[i], values);
    *ret = values;
    return values ? GH_OK : GH_ERR_NOMEM;
}

static void check_value(const struct gh_config *c, const struct declaration *v, struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf full = gh_buf_make(4096);
    config_full_key(c, v->name, &full);
    json_t *value = full.failed ? NULL : value_of(c, full.ptr, v);
    if (value) {
        json_decref(value);
        return;
    }
    json_t *raw = raw_value(c, full.ptr, v);
    struct gh_position at = { c->program->file, v->at.line, v->at.column };
    if (!raw) {
        gh_diagnose(d, GH_SEVERITY_ERROR, at, "Missing required configuration value '%s'", v->name.ptr);
        gh_diagnose_detail(d, "set it with -c %s=… or in %s", v->name.ptr, c->shown);
    } else if (is_locked(raw)) {
        gh_diagnose(d, GH_SEVERITY_ERROR, at, "configuration value '%s' is a locked secret", v->name.ptr);
        gh_diagnose_detail(d, "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE");
    } else {
        gh_diagnose(d, GH_SEVERITY_ERROR, at, "configuration value '%s' in %s is not of type %s", v->name.ptr,
                    c->shown, v->type);
    }
    json_decref(raw);
}

enum gh_err gh_config_check(const struct gh_config *c, struct gh_diagnostics *d) {
    size_t before = gh_diagnostics_count(d, GH_SEVERITY_ERROR);
    for (size_t i = 0; i < c->program->count; i++)
        if (c->program->all[i]->kind == DECLARED_CONFIG)
            check_value(c, c->program->all[i], d);
    return gh_diagnostics_count(d, GH_SEVERITY_ERROR) > before ? GH_ERR_MALFORMED : GH_OK;
}
