/* Changes one value of Pulumi.<stack>.yaml and leaves all else as people wrote it. */
#include "core/limits.h"
#include "stack/config_private.h"
#include "stack/language/edit.h"
#include "sys/file.h"

static void add_line(struct gh_buf *ret, const char *line) {
    bool block = line[0] == '\n'; /* "\n  secure: …" */
    gh_buf_addf(ret, block ? ": {%s}\n" : ": %s\n", block ? line + 3 : line);
}

/* The whole file anew, where it is written in braces: its comments are lost, its values and order are not.
 * Without line the key is left out. */
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
        if (here && line) {
            gh_buf_add(ret, GH_STR("  "));
            gh_yaml_quote(ret, key);
            add_line(ret, line);
        } else if (!here) {
            gh_buf_add_char(ret, '\n');
        }
    }
    json_decref(root);
    if (!line)
        return;
    if (section && !seen)
        gh_buf_addf(ret, "%s:\n  ", section);
    if (!section || !seen) {
        gh_yaml_quote(ret, key);
        add_line(ret, line);
    }
}

/* The line edit is believed only when the file reads back with the new value in its place. */
static bool reads_back(const struct gh_buf *text, const char *section, struct gh_str key, const char *line) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(CONFIG_ARENA);
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

static enum gh_err write_file(struct gh_config *c, const struct gh_buf *text, struct gh_diagnostics *d) {
    struct gh_arena *a = gh_arena_new(CONFIG_ARENA);
    struct gh_str kept = a && !text->failed ? gh_arena_dup(a, gh_buf_str(text)) : (struct gh_str){ 0 };
    enum gh_err e = !kept.ptr ? GH_ERR_NOMEM : gh_file_write_atomic(c->path, kept, 0644);
    if (e) {
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c), "the stack's file cannot be saved: %s",
                    gh_err_text(e));
        gh_arena_free(a);
        return e;
    }
    gh_diagnostics_source(d, c->shown, kept);
    return config_load(c, a, kept, d);
}

static enum gh_err save(struct gh_config *c, const char *section, struct gh_str key, const char *line,
                        struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf text = gh_buf_make(GH_LIMIT_STACK_FILE);
    if (!gh_yaml_edit(c->text, c->root, section, key, gh_str_from(line), &text) ||
        !reads_back(&text, section, key, line)) {
        gh_buf_reset(&text);
        write_anew(c, section, key, line, &text);
    }
    return write_file(c, &text, d);
}

struct gh_crypter *gh_config_crypter(struct gh_config *c, struct gh_diagnostics *d) {
    if (config_crypter_open(c, d) || !c->crypter)
        return NULL;
    if (config_saved_state(c))
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
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c),
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
    config_full_key(c, key, &full);
    if (full.failed)
        return GH_ERR_TOO_LARGE;
    const struct declaration *v = config_declared(c, gh_buf_str(&full));
    bool own = gh_str_starts(gh_buf_str(&full), gh_str_from(gh_program_name(c->program))) &&
               full.ptr[strlen(gh_program_name(c->program))] == ':';
    if (!v && own && gh_program_is_yaml(c->program)) /* other languages declare nothing */
        return refuse_key(c, key, d);
    json_t *text = json_stringn(value.ptr ? value.ptr : "", value.len), *fits;
    fits = text && !memchr(json_string_value(text), 0, value.len) ? config_typed(text, v ? v->type : NULL)
                                                                  : NULL;
    json_decref(text);
    json_decref(fits);
    if (!fits) {
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c), "the value of '%.*s' is not of type %s",
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

/* The key as it stands in the file: with the project before it, or without. */
static const struct gh_yaml *written_key(const struct gh_config *c, struct gh_str full) {
    const struct gh_yaml *config =
        c->root->kind == GH_YAML_MAPPING ? gh_yaml_get(c->root, GH_STR("config")) : NULL;
    for (const struct gh_yaml *v = config ? config->first : NULL; v; v = v->next) {
        gh_auto(gh_buf_release) struct gh_buf name = gh_buf_make(4096);
        config_full_key(c, v->key->text, &name);
        if (!name.failed && gh_str_eq(gh_buf_str(&name), full))
            return v;
    }
    return NULL;
}

static bool is_without(const struct gh_buf *text, struct gh_str key) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(CONFIG_ARENA);
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    const struct gh_yaml *root, *config;
    if (!a || !d || text->failed || gh_yaml_parse(a, "new", gh_buf_str(text), d, &root) ||
        root->kind != GH_YAML_MAPPING || !(config = gh_yaml_get(root, GH_STR("config"))))
        return false;
    return gh_yaml_is_null(config) || (config->kind == GH_YAML_MAPPING && !gh_yaml_get(config, key));
}

enum gh_err gh_config_remove(struct gh_config *c, struct gh_str key, struct gh_diagnostics *d) {
    gh_auto(gh_buf_release) struct gh_buf full = gh_buf_make(4096), text = gh_buf_make(GH_LIMIT_STACK_FILE);
    config_full_key(c, key, &full);
    const struct gh_yaml *there = full.failed ? NULL : written_key(c, gh_buf_str(&full));
    if (!there) {
        gh_diagnose(d, GH_SEVERITY_ERROR, config_file(c), "there is no configuration value '%.*s'",
                    GH_STR_FMT(key));
        return GH_ERR_NOT_FOUND;
    }
    if (!gh_yaml_cut(c->text, gh_yaml_get(c->root, GH_STR("config")), there, &text) ||
        !is_without(&text, there->key->text)) {
        gh_buf_reset(&text);
        write_anew(c, "config", there->key->text, NULL, &text);
    }
    return write_file(c, &text, d);
}
