#include "tenant/facts.h"

#include "sys/log.h"
#include "tenant/change.h"
#include "tenant/exchange_private.h"
#include "tenant/record.h"

/* An organization's list: the metadata `ai_models` as written. What is no text, or too long for the feed (an
 * import may be), is a list without names: it allows no model. ptr NULL: there is no list. */
static struct gh_str list_of(const json_t *doc) {
    const json_t *value = json_object_get(json_object_get(doc, "metadata"), "ai_models");
    if (!value || json_is_null(value))
        return (struct gh_str){ 0 };
    if (!json_is_string(value) || json_string_length(value) > GH_LIMIT_FACT)
        return GH_STR("");
    return (struct gh_str){ json_string_value(value), json_string_length(value) };
}

static bool binds_models(const json_t *doc) {
    size_t i;
    json_t *scope;
    json_array_foreach(json_object_get(doc, "scopes"), i,
                       scope) if (gh_str_starts(gh_doc_string(scope, "value"), GH_STR("model:"))) return true;
    return false;
}

static struct gh_str binding_of(const json_t *doc) {
    return binds_models(doc) ? GH_STR("") : (struct gh_str){ 0 };
}

/* In the order of the changes: what was noted last is told last. */
static enum gh_err note(struct gh_db *db, struct gh_exchange *x, enum gh_fact_kind kind, struct gh_str name,
                        struct gh_str text) {
    struct gh_fact_change *c = GH_NEW(x->arena, struct gh_fact_change), **last = &x->private->facts;
    if (!c)
        return GH_ERR_NOMEM;
    *c = (struct gh_fact_change){ .kind = kind, .name = gh_arena_dup(x->arena, name) };
    if (text.ptr)
        c->text = gh_arena_dup(x->arena, text);
    if (!c->name.ptr || (text.ptr && !c->text.ptr))
        return GH_ERR_NOMEM;
    enum gh_err e =
        gh_change_number(db, GH_CHANGE_FACT + (int)kind, c->name, (struct gh_str){ 0 }, 0, &c->seq);
    if (e)
        return e;
    while (*last)
        last = &(*last)->next;
    *last = c;
    return GH_OK;
}

enum gh_err gh_facts_of_organization(struct gh_db *db, struct gh_exchange *x, struct gh_str id,
                                     const json_t *doc) {
    return note(db, x, GH_FACT_MODELS, id, list_of(doc));
}

enum gh_err gh_facts_of_resource_server(struct gh_db *db, struct gh_exchange *x, const json_t *doc) {
    return note(db, x, GH_FACT_MODELS_BIND, gh_doc_string(doc, "identifier"), binding_of(doc));
}

/* A fact that cannot be told is not believed any more (feed.h), so nobody passes by the old one; but it is
 * not effective either, and the caller must hear that. */
static enum gh_err publish(struct gh_tenant *t, const struct gh_fact_change *c) {
    enum gh_err e = gh_feed_set_fact(t->feed_writer, c->kind, t->issuer, c->name, c->text);
    if (e)
        gh_log(GH_LOG_ERROR, "tenant.fact_not_published", "name", "%.*s", GH_STR_FMT(c->name), "error", "%s",
               gh_err_name(e), "effect", "%s", "its requests are refused until it is", NULL);
    return e ? GH_ERR_FEED : GH_OK;
}

enum gh_err gh_facts_publish(struct gh_exchange *x) {
    enum gh_err ret = GH_OK;
    for (const struct gh_fact_change *c = x->private->facts; c; c = c->next) {
        enum gh_err e = publish(x->tenant, c);
        if (e)
            ret = e;
    }
    return ret;
}

/* Without a list too: the feed may still hold one of before. */
static enum gh_err republish(struct gh_db *db, struct gh_tenant *t, enum gh_sql sql, enum gh_fact_kind kind,
                             struct gh_str (*text_of)(const json_t *doc)) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool more = false;
    enum gh_err e = gh_db_query(db, sql, NULL, 0, &rows);
    while (!e && !(e = gh_rows_next(&rows, &more)) && more) {
        struct gh_str text = gh_rows_text(&rows, 1);
        json_auto_t *doc = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
        if (!doc)
            return GH_ERR_STORAGE;
        const struct gh_fact_change c = { .kind = kind,
                                          .name = gh_rows_text(&rows, 0),
                                          .text = text_of(doc) };
        e = publish(t, &c);
    }
    return e;
}

enum gh_err gh_facts_republish(struct gh_db *db, struct gh_tenant *t) {
    enum gh_err e = republish(db, t, GH_SQL_FACTS_OF_ORGANIZATIONS, GH_FACT_MODELS, list_of);
    return e ? e : republish(db, t, GH_SQL_FACTS_OF_RESOURCE_SERVERS, GH_FACT_MODELS_BIND, binding_of);
}
