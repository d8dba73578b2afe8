#include "stack/engine/ledger.h"

#include <string.h>

#include "stack/engine/ledger_document.h"

/* Members that an entry must have, and of which type; the rest is checked where it is used. */
static const struct {
    const char *name;
    json_type type;
    bool required;
} shape[] = {
    { "name", JSON_STRING, true },   { "type", JSON_STRING, true },      { "id", JSON_STRING, true },
    { "inputs", JSON_OBJECT, true }, { "dependsOn", JSON_ARRAY, false }, { "found", JSON_OBJECT, false },
};

static bool is_entry(const json_t *entry) {
    if (!json_is_object(entry))
        return false;
    for (size_t i = 0; i < GH_COUNT(shape); i++) {
        const json_t *member = json_object_get(entry, shape[i].name);
        if (member ? json_typeof(member) != shape[i].type : shape[i].required)
            return false;
    }
    return true;
}

static const char *text(const json_t *object, const char *member) {
    return json_string_value(json_object_get(object, member));
}

static bool is_intent(const json_t *intent) {
    const json_t *known = json_object_get(intent, "known");
    return text(intent, "name") && text(intent, "type") && (!known || json_is_array(known));
}

static bool all(const json_t *list, bool (*is)(const json_t *)) {
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element) {
        if (!is(element))
            return false;
    }
    return json_is_array(list);
}

json_t *gh_ledger_blank(void) {
    return json_pack("{s:i, s:[], s:[], s:{}}", "version", 1, "resources", "pending", "outputs");
}

enum gh_err gh_ledger_parse(struct gh_str source, json_t **ret) {
    json_t *document = json_loadb(source.ptr ? source.ptr : "", source.len, JSON_REJECT_DUPLICATES, NULL);
    bool good = json_integer_value(json_object_get(document, "version")) == 1 &&
                all(json_object_get(document, "resources"), is_entry) &&
                all(json_object_get(document, "pending"), is_intent) &&
                json_is_object(json_object_get(document, "outputs"));
    if (!good) {
        json_decref(document);
        return GH_ERR_MALFORMED;
    }
    *ret = document;
    return GH_OK;
}

static bool same(const json_t *a, const json_t *b, const char *member) {
    const char *x = text(a, member), *y = text(b, member);
    return x && y && strcmp(x, y) == 0;
}

/* The index of the element with these members, or the size. */
static size_t index_of(const json_t *list, const json_t *like, bool with_id) {
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element) {
        if (same(element, like, "name") && same(element, like, "type") &&
            (!with_id || same(element, like, "id")))
            return i;
    }
    return json_array_size(list);
}

void gh_ledger_document_forget(json_t *document, const json_t *like) {
    json_t *pending = json_object_get(document, "pending");
    json_array_remove(pending, index_of(pending, like, false));
}

void gh_ledger_document_intent(json_t *document, json_t *intent) {
    gh_ledger_document_forget(document, intent);
    json_array_append(json_object_get(document, "pending"), intent);
}

/* A resource has one entry, and beside it those that it replaced: an entry with another id takes the place of
 * the former one only when that one was not marked. */
void gh_ledger_document_put(json_t *document, json_t *entry) {
    json_t *resources = json_object_get(document, "resources"), *other;
    size_t i, at = index_of(resources, entry, true);
    if (at == json_array_size(resources) && !json_object_get(entry, "replaced")) {
        json_array_foreach(resources, i, other) {
            if (same(other, entry, "name") && same(other, entry, "type") &&
                !json_object_get(other, "replaced"))
                at = i;
        }
    }
    if (at < json_array_size(resources))
        json_array_set(resources, at, entry);
    else
        json_array_append(resources, entry);
    gh_ledger_document_forget(document, entry);
}

void gh_ledger_document_drop(json_t *document, const json_t *like) {
    json_t *resources = json_object_get(document, "resources");
    json_array_remove(resources, index_of(resources, like, true));
}

static bool is_rename(const json_t *rename) {
    return text(rename, "name") && text(rename, "type") && text(rename, "to");
}

static json_t *current(const json_t *list, const char *type, const char *name) {
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element) {
        if (strcmp(text(element, "name"), name) == 0 && strcmp(text(element, "type"), type) == 0 &&
            !json_object_get(element, "replaced"))
            return element;
    }
    return NULL;
}

/* No entry when the new name is taken: replayed a second time, the old one may be another resource's; and an
 * intent from before the first time has had its end. */
void gh_ledger_document_rename(json_t *document, const json_t *rename) {
    static const char *const lists[] = { "resources", "pending" };
    const char *type = text(rename, "type"), *name = text(rename, "name"), *to = text(rename, "to");
    for (size_t i = 0; i < GH_COUNT(lists); i++)
        if (current(json_object_get(document, lists[i]), type, to)) {
            gh_ledger_document_forget(document, rename);
            return;
        }
    for (size_t i = 0; i < GH_COUNT(lists); i++) {
        json_t *element = current(json_object_get(document, lists[i]), type, name);
        if (!element)
            continue;
        if (!json_object_get(element, "origin"))
            json_object_set(element, "origin", json_object_get(element, "name"));
        json_object_set(element, "name", json_object_get(rename, "to"));
    }
}

static enum gh_err replay_line(json_t *document, struct gh_str line) {
    json_t *record = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL), *what;
    enum gh_err e = GH_OK;
    if ((what = json_object_get(record, "put")) && is_entry(what))
        gh_ledger_document_put(document, what);
    else if ((what = json_object_get(record, "intent")) && is_intent(what))
        gh_ledger_document_intent(document, what);
    else if ((what = json_object_get(record, "drop")) && text(what, "name") && text(what, "type") &&
             text(what, "id"))
        gh_ledger_document_drop(document, what);
    else if ((what = json_object_get(record, "forget")) && is_intent(what))
        gh_ledger_document_forget(document, what);
    else if ((what = json_object_get(record, "rename")) && is_rename(what))
        gh_ledger_document_rename(document, what);
    else
        e = GH_ERR_MALFORMED;
    json_decref(record);
    return e;
}

enum gh_err gh_ledger_replay(json_t *document, struct gh_str journal) {
    struct gh_str line;
    enum gh_err e = GH_OK;
    while (!e && gh_str_cut(&journal, '\n', &line))
        if (line.len)
            e = replay_line(document, line);
    return e;
}
