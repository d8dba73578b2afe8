#include "stack/config.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "stack/language/edit.h"
#include "stack/language/tree.h"
#include "sys/file.h"

#define ARENA (64 << 20)

struct gh_config {
    const struct gh_program *program;
    char *stack, *path, *shown; /* shown: the path as people typed it */
    struct gh_arena *arena;     /* of the text and its nodes: new after each change */
    struct gh_str text;
    const struct gh_yaml *root;
    json_t
        *values; /* by full key ("project:key"): wire form, a secret with its text or, while locked, null */
    struct gh_crypter *crypter;
};

static struct gh_position whole_file(const struct gh_config *c) {
    return (struct gh_position){ .file = c->shown };
}

const char *gh_config_stack(const struct gh_config *c) {
    return c->stack;
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

static const char *saved_state(const struct gh_config *c) {
    const struct gh_yaml *salt = c->root ? gh_yaml_get(c->root, GH_STR("encryptionsalt")) : NULL;
    return salt && salt->kind == GH_YAML_SCALAR ? salt->text.ptr : NULL;
}

static enum gh_err crypter_open(struct gh_config *c, struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf passphrase = gh_buf_make(GH_LIMIT_PASSWORD + 2);
    if (c->crypter || !find_passphrase(&passphrase))
        return GH_OK;
    enum gh_err e = gh_crypter_new(gh_buf_str(&passphrase), saved_state(c), &c->crypter);
    OPENSSL_cleanse(passphrase.ptr, passphrase.len);
    if (e == GH_ERR_CRYPTO)
        gh_diagnose(d, GH_SEVERITY_ERROR, whole_file(c), "the passphrase is not the one of this stack");
    else if (e)
        gh_diagnose(d, GH_SEVERITY_ERROR, whole_file(c), "encryptionsalt %s", gh_err_text(e));
    return e;
}

/* ---- reading ---- */

static json_t *opened(struct gh_config *c, const char *sealed, struct gh_diagnostics *d, enum gh_err *error) {
    *error = crypter_open(c, d);
    if (*error || !c->crypter)
        return gh_value_secret(json_null()); /* locked */
    gh_auto(gh_buf_release) struct gh_buf plain = gh_buf_make(GH_LIMIT_STACK_FILE);
    *error = gh_crypter_decrypt(c->crypter, gh_str_from(sealed), &plain);
    if (*error)
        gh_diagnose(d, GH_SEVERITY_ERROR, whole_file(c), "a secret of the stack cannot be opened: it %s",
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

/* "memberEmail" and "project:memberEmail" are the same key. */
static void full_key(const struct gh_config *c, struct gh_str key, struct gh_buf *ret) {
    if (key.len == 0 || !memchr(key.ptr, ':', key.len))
        gh_buf_addf(ret, "%s:", gh_program_name(c->program));
    gh_buf_add(ret, key);
}

static enum gh_err read_value(struct gh_config *c, const struct gh_yaml *v, struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf key = gh_buf_make(4096);
    const struct gh_yaml *culprit = v;
    enum gh_err e = GH_OK;
    json_t *value = gh_yaml_json(v, &culprit);
    full_key(c, v->key->text, &key);
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
        gh_diagnose(d, GH_SEVERITY_ERROR, whole_file(c), "a stack file is a map");
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

/* Takes the text as the file's new content. Steals the arena that it lives in. */
static enum gh_err load(struct gh_config *c, struct gh_arena *a, struct gh_str text,
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
    struct gh_arena *a = gh_arena_new(ARENA);
    if (!c || !a || asprintf(&c->path, "%s/Pulumi.%s.yaml", dir, stack) < 0 || !(c->stack = strdup(stack))) {
        gh_arena_free(a);
        return GH_ERR_NOMEM;
    }
    c->program = p;
    c->shown = strncmp(c->path, "./", 2) == 0 ? c->path + 2 : c->path;
    struct gh_str text = { 0 };
    enum gh_err e = gh_file_read(a, c->path, GH_LIMIT_STACK_FILE, &text);
    if (e && e != GH_ERR_NOT_FOUND) {
        gh_diagnose(d, GH_SEVERITY_ERROR, whole_file(c), "the stack's file %s", gh_err_text(e));
        gh_arena_free(a);
        return e;
    }
    gh_diagnostics_source(d, c->shown, text);
    e = load(c, a, e ? (struct gh_str){ 0 } : text, d);
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

/* `pulumi config set` saves every value as a text: it means what its JSON means. New reference, or NULL. */
static json_t *typed(json_t *value, const char *type) {
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

static const struct declaration *declared(const struct gh_config *c, struct gh_str full) {
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
    json_t *value = typed(gh_value_reveal(raw), d ? d->type : NULL);
    json_decref(raw);
    return value && secret ? gh_value_secret(value) : value;
}

json_t *gh_config_get(const struct gh_config *c, const char *key) {
    gh_auto(gh_buf_release) struct gh_buf full = gh_buf_make(4096);
    full_key(c, gh_str_from(key), &full);
    return full.failed ? NULL : value_of(c, full.ptr, declared(c, gh_buf_str(&full)));
}

static void check_value(const struct gh_config *c, const struct declaration *v, struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf full = gh_buf_make(4096);
    full_key(c, v->name, &full);
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

/* ---- writing ---- */

static void add_line(struct gh_buf *ret, const char *line) {
    bool block = line[0] == '\n'; /* "\n  secure: …" */
    gh_buf_addf(ret, block ? ": {%s}\n" : ": %s\n", block ? line + 3 : line);
}

/* The whole file anew, where it is written in braces: its comments are lost, its values and order are not. */
static void write_anew(const struct gh_config *c, const char *section, struct gh_str key, const char *line,
                       struct gh_buf *ret) {
    const struct gh_yaml *culprit;
    json_t *root = c->root->kind == GH_YAML_MAPPING ? gh_yaml_json(c->root, &culprit) : json_object(), *item;
    const char *name;
    bool seen = false;
    json_object_foreach(root, name, item) {
        bool here = section && strcmp(name, section) == 0;
        if (!section && gh_str_is(key, name))
            continue;
        gh_yaml_quote(ret, gh_str_from(name));
        gh_buf_add(ret, here ? GH_STR(":\n") : GH_STR(": "));
        const char *inner;
        json_t *value;
        seen |= here;
        if (!here)
            gh_yaml_write(ret, item);
        json_object_foreach(here ? item : NULL, inner, value) {
            if (gh_str_is(key, inner))
                continue;
            gh_buf_add(ret, GH_STR("  "));
            gh_yaml_quote(ret, gh_str_from(inner));
            gh_buf_add(ret, GH_STR(": "));
            gh_yaml_write(ret, value);
            gh_buf_add_char(ret, '\n');
        }
        if (here) {
            gh_buf_add(ret, GH_STR("  "));
            gh_yaml_quote(ret, key);
            add_line(ret, line);
        } else {
            gh_buf_add_char(ret, '\n');
        }
    }
    json_decref(root);
    if (section && !seen)
        gh_buf_addf(ret, "%s:\n  ", section);
    if (!section || !seen) {
        gh_yaml_quote(ret, key);
        add_line(ret, line);
    }
}

/* The line edit is believed only when the file reads back with the new value in its place. */
static bool reads_back(const struct gh_buf *text, const char *section, struct gh_str key, const char *line) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(ARENA);
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    const struct gh_yaml *root, *want, *culprit;
    if (!a || !d || text->failed || gh_yaml_parse(a, "new", gh_buf_str(text), d, &root) ||
        gh_yaml_parse(a, "value", gh_str_from(line), d, &want))
        return false;
    const struct gh_yaml *map = section ? gh_yaml_get(root, gh_str_from(section)) : root;
    const struct gh_yaml *value = map ? gh_yaml_get(map, key) : NULL;
    json_t *got = value ? gh_yaml_json(value, &culprit) : NULL, *wanted = gh_yaml_json(want, &culprit);
    bool same = got && wanted && json_equal(got, wanted);
    json_decref(got);
    json_decref(wanted);
    return same;
}

static enum gh_err save(struct gh_config *c, const char *section, struct gh_str key, const char *line,
                        struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf text = gh_buf_make(GH_LIMIT_STACK_FILE);
    if (!gh_yaml_edit(c->text, c->root, section, key, gh_str_from(line), &text) ||
        !reads_back(&text, section, key, line)) {
        gh_buf_reset(&text);
        write_anew(c, section, key, line, &text);
    }
    struct gh_arena *a = gh_arena_new(ARENA);
    struct gh_str kept = a && !text.failed ? gh_arena_dup(a, gh_buf_str(&text)) : (struct gh_str){ 0 };
    enum gh_err e = !kept.ptr ? GH_ERR_NOMEM : gh_file_write_atomic(c->path, kept, 0644);
    if (e) {
        gh_diagnose(d, GH_SEVERITY_ERROR, whole_file(c), "the stack's file cannot be saved: %s",
                    gh_err_text(e));
        gh_arena_free(a);
        return e;
    }
    gh_diagnostics_source(d, c->shown, kept);
    return load(c, a, kept, d);
}

struct gh_crypter *gh_config_crypter(struct gh_config *c, struct gh_diagnostics *d) {
    if (crypter_open(c, d) || !c->crypter)
        return NULL;
    if (saved_state(c))
        return c->crypter;
    gh_auto(gh_buf_release) struct gh_buf line = gh_buf_make(4096);
    gh_yaml_quote(&line, gh_str_from(gh_crypter_state(c->crypter)));
    return line.failed || save(c, NULL, GH_STR("encryptionsalt"), line.ptr, d) ? NULL : c->crypter;
}

static enum gh_err seal_value(struct gh_config *c, struct gh_str value, struct gh_diagnostics *d,
                              struct gh_buf *line) {
    size_t before = gh_diagnostics_count(d, GH_SEVERITY_ERROR);
    struct gh_crypter *crypter = gh_config_crypter(c, d);
    if (!crypter && gh_diagnostics_count(d, GH_SEVERITY_ERROR) > before)
        return GH_ERR_CRYPTO;
    if (!crypter) {
        gh_diagnose(d, GH_SEVERITY_ERROR, whole_file(c),
                    "a secret is to be stored and there is no passphrase");
        gh_diagnose_detail(d, "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE");
        return GH_ERR_UNSUPPORTED;
    }
    gh_buf_add(line, GH_STR("\n  secure: "));
    return gh_crypter_encrypt(crypter, value, line);
}

static enum gh_err refuse_key(const struct gh_config *c, struct gh_str key, struct gh_diagnostics *d) {
    struct nearest near = { .wanted = key };
    for (size_t i = 0; i < c->program->count; i++)
        if (c->program->all[i]->kind == DECLARED_CONFIG)
            nearest_add(&near, c->program->all[i]->name);
    gh_diagnose(d, GH_SEVERITY_ERROR, (struct gh_position){ .file = c->program->file },
                "the program declares no configuration value '%.*s'", GH_STR_FMT(key));
    nearest_tell(&near, d, "It declares:");
    return GH_ERR_NOT_FOUND;
}

enum gh_err gh_config_set(struct gh_config *c, struct gh_str key, struct gh_str value, bool secret,
                          struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf full = gh_buf_make(4096),
                                          line = gh_buf_make(2 * GH_LIMIT_STACK_FILE);
    full_key(c, key, &full);
    if (full.failed)
        return GH_ERR_TOO_LARGE;
    const struct declaration *v = declared(c, gh_buf_str(&full));
    bool own = gh_str_starts(gh_buf_str(&full), gh_str_from(gh_program_name(c->program))) &&
               full.ptr[strlen(gh_program_name(c->program))] == ':';
    if (!v && own)
        return refuse_key(c, key, d);
    json_t *text = json_stringn(value.ptr ? value.ptr : "", value.len), *fits;
    fits = text && !memchr(json_string_value(text), 0, value.len) ? typed(text, v ? v->type : NULL) : NULL;
    json_decref(text);
    json_decref(fits);
    if (!fits) {
        gh_diagnose(d, GH_SEVERITY_ERROR, whole_file(c), "the value of '%.*s' is not of type %s",
                    GH_STR_FMT(key), v ? v->type : "string");
        return GH_ERR_MALFORMED;
    }
    if (secret || (v && v->secret) || gh_value_is_secret(json_object_get(c->values, full.ptr))) {
        enum gh_err e = seal_value(c, value, d, &line);
        if (e)
            return e;
    } else {
        gh_yaml_quote(&line, value);
    }
    return line.failed ? GH_ERR_NOMEM : save(c, "config", gh_buf_str(&full), line.ptr, d);
}
