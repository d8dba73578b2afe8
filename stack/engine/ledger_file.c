#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stack/engine/ledger.h"
#include "stack/engine/ledger_document.h"
#include "sys/file.h"

struct gh_ledger {
    struct gh_arena *arena;
    char *folder, *file, *journal;
    int lock, journal_fd; /* -1: not open */
    bool is_new, write;
    json_t *document;
    struct gh_ledger_index index; /* of its resources */
    json_t *renames;              /* in the document, not yet in the journal */
    struct gh_diagnostics *diagnostics;
};

static enum gh_err complain(const struct gh_ledger *l, const char *path, enum gh_err e, const char *remedy) {
    struct gh_position at = { .file = path };
    gh_diagnose(l->diagnostics, GH_SEVERITY_ERROR, at, "the ledger %s", gh_err_text(e));
    gh_diagnose_detail(l->diagnostics, "%s", remedy);
    return e;
}

static enum gh_err paths(struct gh_ledger *l, const char *dir, const char *stack) {
    l->folder = (char *)gh_arena_printf(l->arena, "%s/.gatehouse", dir).ptr;
    l->file = (char *)gh_arena_printf(l->arena, "%s/.gatehouse/%s.json", dir, stack).ptr;
    l->journal = (char *)gh_arena_printf(l->arena, "%s/.gatehouse/%s.journal", dir, stack).ptr;
    return l->folder && l->file && l->journal ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err take_lock(struct gh_ledger *l, const char *dir, const char *stack) {
    const char *path = gh_arena_printf(l->arena, "%s/.gatehouse/%s.lock", dir, stack).ptr;
    enum gh_err e = path ? gh_dir_make(l->folder, 0700) : GH_ERR_NOMEM;
    e = e ? e : gh_file_lock(path, &l->lock);
    if (e == GH_ERR_BUSY)
        return complain(l, path, e, "another gatehouse works on this stack; wait until it has ended");
    return e ? complain(l, l->folder, e, "it is kept beside Pulumi.yaml; is that folder writable?") : GH_OK;
}

static enum gh_err load(struct gh_ledger *l) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new((size_t)GH_LEDGER_MAX + 4096);
    struct gh_str text;
    enum gh_err e = a ? gh_file_read(a, l->file, GH_LEDGER_MAX, &text) : GH_ERR_NOMEM;
    if (e == GH_ERR_NOT_FOUND) {
        l->is_new = true;
        l->document = gh_ledger_blank();
        return l->document ? GH_OK : GH_ERR_NOMEM;
    }
    e = e ? e : gh_ledger_parse(text, &l->document);
    return e ? complain(l, l->file, e,
                        "restore it from a copy, or move it away: objects with their natural key are "
                        "adopted then")
             : GH_OK;
}

static enum gh_err replay(struct gh_ledger *l) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new((size_t)GH_LEDGER_MAX + 4096);
    struct gh_str text;
    enum gh_err e = a ? gh_file_read(a, l->journal, GH_LEDGER_MAX, &text) : GH_ERR_NOMEM;
    if (e == GH_ERR_NOT_FOUND)
        return GH_OK;
    l->is_new = false;
    e = e ? e : gh_ledger_replay(l->document, text);
    if (e)
        return complain(l, l->journal, e,
                        "it is the record of a run that was cut off; restore it from a copy");
    return l->write ? gh_ledger_save(l, NULL) : GH_OK;
}

enum gh_err gh_ledger_open(const char *dir, const char *stack, bool write, struct gh_diagnostics *d,
                           struct gh_ledger **ret) {
    struct gh_ledger *l = calloc(1, sizeof *l);
    if (!l || !(l->arena = gh_arena_new(65536))) {
        free(l);
        return GH_ERR_NOMEM;
    }
    *l = (struct gh_ledger){
        .arena = l->arena, .lock = -1, .journal_fd = -1, .write = write, .diagnostics = d
    };
    enum gh_err e = paths(l, dir, stack);
    if (!e && write)
        e = take_lock(l, dir, stack);
    e = e ? e : load(l);
    e = e ? e : replay(l);
    if (e) {
        gh_ledger_free(l);
        return e;
    }
    *ret = l;
    return GH_OK;
}

void gh_ledger_free(struct gh_ledger *l) {
    if (!l)
        return;
    if (l->journal_fd >= 0)
        close(l->journal_fd);
    if (l->lock >= 0)
        close(l->lock);
    json_decref(l->document);
    gh_ledger_index_release(&l->index);
    json_decref(l->renames);
    gh_arena_free(l->arena);
    free(l);
}

bool gh_ledger_is_new(const struct gh_ledger *l) {
    return l->is_new;
}

json_t *gh_ledger_resources(const struct gh_ledger *l) {
    return json_object_get(l->document, "resources");
}

json_t *gh_ledger_intents(const struct gh_ledger *l) {
    return json_object_get(l->document, "pending");
}

json_t *gh_ledger_outputs(const struct gh_ledger *l) {
    return json_object_get(l->document, "outputs");
}

const char *gh_ledger_text(const struct gh_ledger *l, const char *member) {
    return json_string_value(json_object_get(l->document, member));
}

static bool is(const json_t *object, const char *member, const char *text) {
    const char *value = json_string_value(json_object_get(object, member));
    return value && strcmp(value, text) == 0;
}

static json_t *find(const json_t *list, const char *type, const char *name) {
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element) {
        if (is(element, "name", name) && is(element, "type", type) && !json_object_get(element, "replaced"))
            return element;
    }
    return NULL;
}

json_t *gh_ledger_find(const struct gh_ledger *l, const char *type, const char *name) {
    const json_t *resources = gh_ledger_resources(l);
    struct gh_ledger_index *index =
        (struct gh_ledger_index *)(uintptr_t)&l->index; /* made when first asked */
    return json_array_get(resources, gh_ledger_index_find(index, resources, type, name, NULL));
}

json_t *gh_ledger_pending(const struct gh_ledger *l, const char *type, const char *name) {
    return find(json_object_get(l->document, "pending"), type, name);
}

static enum gh_err write_all(int fd, const char *text, size_t len) {
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return GH_ERR_IO;
        text += n;
        len -= (size_t)n;
    }
    return GH_OK;
}

/* On disk when it returns: a call that changes the tenant may follow. */
static enum gh_err append(struct gh_ledger *l, const char *kind, json_t *what) {
    json_t *line = json_pack("{s:O}", kind, what);
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    if (!text)
        return GH_ERR_NOMEM;
    if (l->journal_fd < 0)
        l->journal_fd = open(l->journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t len = strlen(text);
    text[len] = '\n'; /* in place of the NUL: one write, so that a line is whole or the last */
    enum gh_err e = l->journal_fd < 0 ? GH_ERR_IO : write_all(l->journal_fd, text, len + 1);
    if (!e && fdatasync(l->journal_fd) != 0)
        e = GH_ERR_IO;
    free(text);
    return e;
}

/* Names first: what follows speaks of the new ones. */
static enum gh_err record(struct gh_ledger *l, const char *kind, json_t *what) {
    while (json_array_size(l->renames)) {
        enum gh_err e = append(l, "rename", json_array_get(l->renames, 0));
        if (e)
            return e;
        json_array_remove(l->renames, 0);
    }
    return append(l, kind, what);
}

enum gh_err gh_ledger_rename(struct gh_ledger *l, const char *type, const char *name, const char *to) {
    json_t *rename = json_pack("{s:s, s:s, s:s}", "name", name, "type", type, "to", to);
    if (!l->renames)
        l->renames = json_array();
    enum gh_err e = rename && json_array_append(l->renames, rename) == 0 ? GH_OK : GH_ERR_NOMEM;
    if (!e)
        gh_ledger_document_rename(l->document, &l->index, rename);
    json_decref(rename);
    return e;
}

enum gh_err gh_ledger_intent(struct gh_ledger *l, json_t *intent) {
    enum gh_err e = record(l, "intent", intent);
    if (!e)
        gh_ledger_document_intent(l->document, intent);
    return e;
}

enum gh_err gh_ledger_put(struct gh_ledger *l, json_t *entry) {
    enum gh_err e = record(l, "put", entry);
    if (!e)
        gh_ledger_document_put(l->document, &l->index, entry);
    return e;
}

enum gh_err gh_ledger_drop(struct gh_ledger *l, const char *type, const char *name, const char *id) {
    json_t *like = json_pack("{s:s, s:s, s:s}", "name", name, "type", type, "id", id);
    enum gh_err e = like ? record(l, "drop", like) : GH_ERR_NOMEM;
    if (!e)
        gh_ledger_document_drop(l->document, &l->index, like);
    json_decref(like);
    return e;
}

enum gh_err gh_ledger_forget(struct gh_ledger *l, const char *type, const char *name) {
    json_t *like = json_pack("{s:s, s:s}", "name", name, "type", type);
    enum gh_err e = like ? record(l, "forget", like) : GH_ERR_NOMEM;
    if (!e)
        gh_ledger_document_forget(l->document, like);
    json_decref(like);
    return e;
}

void gh_ledger_lose(struct gh_ledger *l, json_t *entry) {
    gh_ledger_document_drop(l->document, &l->index, entry);
}

void gh_ledger_set(struct gh_ledger *l, const char *member, json_t *value) {
    json_object_set_new(l->document, member, value);
}

/* Entries that the run did not see first (they wait for their deletion), then the others as they were
 * registered. */
static void reorder(json_t *document, const json_t *order) {
    json_t *resources = json_object_get(document, "resources"), *sorted = json_array(), *entry, *key;
    json_t *by_key = json_object();
    size_t i;
    json_array_foreach(order, i, key) json_object_set_new(by_key, json_string_value(key), json_true());
    json_t *seen = json_object();
    json_array_foreach(resources, i, entry) {
        char name[1024];
        snprintf(name, sizeof name, "%s::%s", json_string_value(json_object_get(entry, "type")),
                 json_string_value(json_object_get(entry, "name")));
        if (json_object_get(entry, "replaced") || !json_object_get(by_key, name) ||
            json_object_get(seen, name))
            json_array_append(sorted, entry);
        else
            json_object_set(seen, name, entry);
    }
    json_array_foreach(order, i, key) {
        if ((entry = json_object_get(seen, json_string_value(key))))
            json_array_append(sorted, entry);
    }
    json_decref(by_key);
    json_decref(seen);
    if (json_array_size(sorted) == json_array_size(resources))
        json_object_set_new(document, "resources", sorted);
    else
        json_decref(sorted); /* out of memory: the old order is right enough */
}

enum gh_err gh_ledger_save(struct gh_ledger *l, const json_t *order) {
    if (order)
        reorder(l->document, order);
    gh_ledger_index_release(&l->index);
    char *text = json_dumps(l->document, JSON_INDENT(2));
    if (!text)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_file_write_atomic(l->file, gh_str_from(text), 0600);
    free(text);
    if (e)
        return complain(l, l->file, e,
                        "the journal beside it holds what happened; run the same command again");
    if (l->journal_fd >= 0)
        close(l->journal_fd);
    l->journal_fd = -1;
    l->is_new = false;
    json_array_clear(l->renames);
    /* The ledger says all that the journal says: replaying it again would change nothing. */
    return unlink(l->journal) == 0 || errno == ENOENT ? GH_OK : GH_ERR_IO;
}
