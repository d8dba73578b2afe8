/* Placeholders and references in one scalar. */
#include <stdio.h>

#include "core/cleanup.h"
#include "stack/language/mend.h"
#include "stack/language/remedy.h"
#include "stack/schema.h"

/* <USER_ID> becomes the config value userId: the file is right, and each stack says what it is. */
static void name_of_placeholder(struct gh_str placeholder, char *ret, size_t size) {
    size_t n = 0;
    bool upper = false;
    for (size_t i = 1; i + 1 < placeholder.len && n + 1 < size; i++) {
        char c = placeholder.ptr[i];
        if (c == '_') {
            upper = n > 0;
            continue;
        }
        ret[n++] = !upper && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        upper = false;
    }
    ret[n] = 0;
}

static bool mend_placeholder(struct mending *m, const struct gh_yaml *scalar, struct gh_str written) {
    char name[128], full[160];
    name_of_placeholder(scalar->text, name, sizeof name);
    const struct gh_yaml *config = gh_yaml_get(m->root, GH_STR("config")),
                         *declared = config ? gh_yaml_get(config, gh_str_from(name)) : NULL;
    if (!*name || (*name >= '0' && *name <= '9') || (!declared && !mend_name_is_free(m, name)))
        return false;
    snprintf(full, sizeof full, "\"${%s}\"", name);
    gh_auto(gh_buf_release) struct gh_buf first = gh_buf_make(m->out->ceiling);
    struct gh_str text = m->text;
    if (!declared) {
        /* The declaration goes in last, where lines below may move: the scalar is replaced in the text
         * before. */
        struct gh_buf *out = m->out;
        m->out = &first;
        mend_replace(m, written, gh_str_from(full));
        m->out = out;
        text = gh_buf_str(&first);
        if (first.failed ||
            !gh_yaml_edit(text, m->root, "config", gh_str_from(name), GH_STR("{ type: string }"), out))
            return false;
    } else {
        mend_replace(m, written, gh_str_from(full));
    }
    gh_buf_addf(m->note, "%.*s is the config value %s now: give it with -c %s=…", GH_STR_FMT(scalar->text),
                name, name);
    return true;
}

/* ---- references ---- */

/* The variable that holds the tenant, or NULL. */
static const char *tenant_variable(const struct mending *m) {
    static const char *const spellings[] = { "fn::auth0:getTenant", "fn::auth0:index:getTenant",
                                             "fn::auth0:index/getTenant:getTenant" };
    const struct gh_yaml *variables = gh_yaml_get(m->root, GH_STR("variables"));
    for (const struct gh_yaml *v = variables ? variables->first : NULL; v; v = v->next)
        for (size_t i = 0; i < GH_COUNT(spellings); i++)
            if (gh_yaml_get(v, gh_str_from(spellings[i])))
                return v->key->text.ptr;
    return NULL;
}

/* `reference` is "${org.authDomain", a part of the text. */
static bool mend_domain(struct mending *m, struct gh_str reference) {
    const char *variable = tenant_variable(m), *name = variable ? variable : "tenant";
    char with[160];
    gh_auto(gh_buf_release) struct gh_buf first = gh_buf_make(m->out->ceiling);
    if (!variable && !mend_name_is_free(m, name))
        return false;
    snprintf(with, sizeof with, "${%.100s.domain", name);
    struct gh_buf *out = m->out;
    m->out = variable ? out : &first;
    mend_replace(m, reference, gh_str_from(with));
    m->out = out;
    gh_buf_addf(m->note, "%.*s} does not exist: the domain is the tenant's, %s}", GH_STR_FMT(reference),
                with);
    return variable ||
           (!first.failed && gh_yaml_edit(gh_buf_str(&first), m->root, "variables", gh_str_from(name),
                                          GH_STR("\n  fn::auth0:getTenant: {}"), out));
}

static const char *member_meant(const struct gh_resource_type *t, struct gh_str written) {
    for (size_t i = 0; i < t->input_count; i++)
        if (mend_same_name(gh_str_from(t->inputs[i].name), written))
            return t->inputs[i].name;
    for (size_t i = 0; i < t->output_count; i++)
        if (mend_same_name(gh_str_from(t->outputs[i].name), written))
            return t->outputs[i].name;
    return NULL;
}

static bool mend_reference(struct mending *m, struct gh_str reference, struct gh_str name,
                           struct gh_str member) {
    static const char *const domains[] = { "authDomain", "domain" };
    const struct gh_yaml *resource = mend_resource_of_type(m, name, NULL);
    const struct gh_resource_type *t =
        resource ? gh_schema_resource(gh_yaml_get(resource, GH_STR("type"))->text) : NULL;
    gh_buf_reset(m->out);
    gh_buf_reset(m->note);
    if (!t || gh_schema_member(t, member) || gh_str_is(member, "id") || gh_str_is(member, "urn"))
        return false;
    for (size_t i = 0; i < GH_COUNT(domains); i++)
        if (strcmp(gh_schema_short_name(t), "Organization") == 0 &&
            mend_same_name(member, gh_str_from(domains[i])))
            return mend_domain(m, reference);
    const char *meant = member_meant(t, member);
    if (!meant)
        return false;
    gh_buf_addf(m->note, "%.*s} is written %s", GH_STR_FMT(reference), meant);
    mend_replace(m, member, gh_str_from(meant));
    return true;
}

static bool is_word(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool mend_scalar(struct mending *m, const struct gh_yaml *scalar) {
    struct gh_str written = gh_yaml_source(m->text, scalar);
    if (!written.len || !mend_here(m, scalar))
        return false;
    if (remedy_is_placeholder(scalar->text))
        return mend_placeholder(m, scalar, written);
    /* "${" name "." member: looked for in the bytes of the file, which hold it as it is, or not at all. */
    for (size_t i = 0; i + 2 < written.len; i++) {
        if (written.ptr[i] != '$' || written.ptr[i + 1] != '{' || (i && written.ptr[i - 1] == '$'))
            continue;
        size_t dot = i + 2, end;
        while (dot < written.len && is_word(written.ptr[dot]))
            dot++;
        if (dot >= written.len || written.ptr[dot] != '.')
            continue;
        for (end = dot + 1; end < written.len && is_word(written.ptr[end]);)
            end++;
        if (mend_reference(m, (struct gh_str){ written.ptr + i, end - i },
                           (struct gh_str){ written.ptr + i + 2, dot - i - 2 },
                           (struct gh_str){ written.ptr + dot + 1, end - dot - 1 }))
            return true;
    }
    return false;
}
