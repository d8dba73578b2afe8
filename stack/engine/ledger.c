#include "stack/engine/ledger.h"

#include <string.h>

#include "core/cleanup.h"
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
static size_t index_of(const json_t *list, const json_t *like) {
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element) {
        if (same(element, like, "name") && same(element, like, "type"))
            return i;
    }
    return json_array_size(list);
}

void gh_ledger_document_forget(json_t *document, const json_t *like) {
    json_t *pending = json_object_get(document, "pending");
    json_array_remove(pending, index_of(pending, like));
}

void gh_ledger_document_intent(json_t *document, json_t *intent) {
    gh_ledger_document_forget(document, intent);
    json_array_append(json_object_get(document, "pending"), intent);
}

/* A resource has one entry, and beside it those that it replaced: an entry with another id takes the place of
 * the former one only when that one was not marked. */
void gh_ledger_document_put(json_t *document, struct gh_ledger_index *x, json_t *entry) {
    json_t *resources = json_object_get(document, "resources");
    const char *type = text(entry, "type"), *name = text(entry, "name");
    size_t at = gh_ledger_index_find(x, resources, type, name, text(entry, "id"));
    if (at == json_array_size(resources) && !json_object_get(entry, "replaced"))
        at = gh_ledger_index_find(x, resources, type, name, NULL);
    if (at < json_array_size(resources))
        json_array_set(resources, at, entry);
    else
        gh_ledger_index_append(x, resources, entry);
    gh_ledger_document_forget(document, entry);
}

void gh_ledger_document_drop(json_t *document, struct gh_ledger_index *x, const json_t *like) {
    json_t *resources = json_object_get(document, "resources");
    size_t at = gh_ledger_index_find(x, resources, text(like, "type"), text(like, "name"), text(like, "id"));
    if (at < json_array_size(resources))
        gh_ledger_index_remove(x, resources, at);
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

static void keep_origin(json_t *element) {
    if (!json_object_get(element, "origin"))
        json_object_set(element, "origin", json_object_get(element, "name"));
}

/* No entry when the new name is taken: replayed a second time, the old one may be another resource's; and an
 * intent from before the first time has had its end. */
void gh_ledger_document_rename(json_t *document, struct gh_ledger_index *x, const json_t *rename) {
    json_t *resources = json_object_get(document, "resources"),
           *pending = json_object_get(document, "pending");
    const char *type = text(rename, "type"), *name = text(rename, "name"), *to = text(rename, "to");
    size_t none = json_array_size(resources);
    if (gh_ledger_index_find(x, resources, type, to, NULL) < none || current(pending, type, to)) {
        gh_ledger_document_forget(document, rename);
        return;
    }
    size_t at = gh_ledger_index_find(x, resources, type, name, NULL);
    if (at < none) {
        keep_origin(json_array_get(resources, at));
        gh_ledger_index_rename(x, resources, at, json_object_get(rename, "to"));
    }
    json_t *intent = current(pending, type, name);
    if (intent) {
        keep_origin(intent);
        json_object_set(intent, "name", json_object_get(rename, "to"));
    }
}

static enum gh_err replay_line(json_t *document, struct gh_ledger_index *x, struct gh_str line) {
    json_t *record = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL), *what;
    enum gh_err e = GH_OK;
    if ((what = json_object_get(record, "put")) && is_entry(what))
        gh_ledger_document_put(document, x, what);
    else if ((what = json_object_get(record, "intent")) && is_intent(what))
        gh_ledger_document_intent(document, what);
    else if ((what = json_object_get(record, "drop")) && text(what, "name") && text(what, "type") &&
             text(what, "id"))
        gh_ledger_document_drop(document, x, what);
    else if ((what = json_object_get(record, "forget")) && is_intent(what))
        gh_ledger_document_forget(document, what);
    else if ((what = json_object_get(record, "rename")) && is_rename(what))
        gh_ledger_document_rename(document, x, what);
    else
        e = GH_ERR_MALFORMED;
    json_decref(record);
    return e;
}

enum gh_err gh_ledger_replay(json_t *document, struct gh_str journal) {
    gh_auto(gh_ledger_index_release) struct gh_ledger_index x = { 0 };
    struct gh_str line;
    enum gh_err e = GH_OK;
    while (!e && gh_str_cut(&journal, '\n', &line))
        if (line.len)
            e = replay_line(document, &x, line);
    return e;
}
