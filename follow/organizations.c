#include "follow/organizations.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"
#include "core/limits.h"
#include "feed/epochs.h"
#include "sys/file.h"

enum { PER_PAGE = 100, FILE_BYTES_MAX = 64 * GH_ORGANIZATIONS_MAX, ARENA = 64 << 20 };

static const struct gh_str none = { 0 };

/* --- a page --- */

static const struct {
    struct gh_str list, name;
    enum gh_fact_kind fact;
} kinds[] = {
    [GH_PAGE_ORGANIZATIONS] = { { "organizations", 13 }, { "id", 2 }, GH_FACT_MODELS },
    [GH_PAGE_APIS] = { { "resource_servers", 16 }, { "identifier", 10 }, GH_FACT_MODELS_BIND },
};

/* As the tenant's own (tenant/facts.c): a list that is no text, or too long, allows no model. */
static enum gh_err models_of(struct gh_arena *a, struct gh_json organization, struct gh_str *ret) {
    struct gh_json metadata, value;
    *ret = none;
    if (!gh_json_member(organization, GH_STR("metadata"), &metadata) ||
        !gh_json_member(metadata, GH_STR("ai_models"), &value) || value.type == GH_JSON_NULL)
        return GH_OK;
    enum gh_err e = gh_json_string(a, value, ret);
    if (e == GH_ERR_BAD_CLAIM || (!e && ret->len > GH_LIMIT_FACT)) {
        *ret = GH_STR("");
        return GH_OK;
    }
    return e;
}

static enum gh_err binding_of(struct gh_arena *a, struct gh_json api, struct gh_str *ret) {
    struct gh_json scopes, scope, value;
    struct gh_str name, text;
    *ret = none;
    if (!gh_json_member(api, GH_STR("scopes"), &scopes) || scopes.type != GH_JSON_ARRAY)
        return GH_OK;
    for (size_t at = 0; gh_json_next(scopes, &at, &name, &scope);) {
        if (!gh_json_member(scope, GH_STR("value"), &value))
            continue;
        enum gh_err e = gh_json_string(a, value, &text);
        if (e == GH_ERR_NOMEM)
            return e;
        if (!e && gh_str_starts(text, GH_STR("model:")))
            *ret = GH_STR("");
    }
    return GH_OK;
}

static enum gh_err read_item(struct gh_arena *a, enum gh_page_kind kind, struct gh_json json,
                             struct gh_page_item *ret) {
    struct gh_json name;
    if (!gh_json_member(json, kinds[kind].name, &name))
        return GH_ERR_MALFORMED;
    enum gh_err e = gh_json_string(a, name, &ret->name);
    if (e)
        return e == GH_ERR_BAD_CLAIM ? GH_ERR_MALFORMED : e;
    if (ret->name.len == 0 || ret->name.len > 1024 || memchr(ret->name.ptr, '\n', ret->name.len))
        return GH_ERR_MALFORMED;
    return kind == GH_PAGE_APIS ? binding_of(a, json, &ret->text) : models_of(a, json, &ret->text);
}

enum gh_err gh_page_parse(struct gh_arena *a, enum gh_page_kind kind, struct gh_str json,
                          struct gh_page *ret) {
    struct gh_json document, list, item, next;
    struct gh_str name;
    struct gh_page page = { .items = gh_arena_calloc(a, PER_PAGE, sizeof *page.items) };
    if (!page.items)
        return GH_ERR_NOMEM;
    enum gh_err e = gh_json_parse(json, GH_LIMIT_BODY_DEPTH, &document);
    if (e)
        return e;
    if (!gh_json_member(document, kinds[kind].list, &list) || list.type != GH_JSON_ARRAY)
        return GH_ERR_MALFORMED;
    for (size_t at = 0; !e && gh_json_next(list, &at, &name, &item);)
        e = page.count == PER_PAGE ? GH_ERR_TOO_LARGE : read_item(a, kind, item, &page.items[page.count++]);
    if (!e && gh_json_member(document, GH_STR("next"), &next) && next.type != GH_JSON_NULL)
        e = gh_json_string(a, next, &page.next);
    if (!e)
        *ret = page;
    return e == GH_ERR_BAD_CLAIM ? GH_ERR_MALFORMED : e;
}

/* --- what is known --- */

struct gh_organizations {
    const char *known_file;
    char *known; /* ids, each behind a line feed and before one; NULL: nothing yet */
};

struct gh_organizations *gh_organizations_new(const char *known_file) {
    struct gh_organizations *o = calloc(1, sizeof *o);
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(2 * FILE_BYTES_MAX);
    struct gh_str text;
    if (!o || !a) {
        free(o);
        return NULL;
    }
    o->known_file = known_file;
    if (gh_file_read(a, known_file, FILE_BYTES_MAX, &text) == GH_OK)
        o->known = strndup(text.ptr, text.len);
    return o;
}

void gh_organizations_free(struct gh_organizations *o) {
    if (!o)
        return;
    free(o->known);
    free(o);
}

/* --- reading --- */

struct reading {
    struct gh_machine *machine;
    struct gh_arena *arena;
    struct gh_page *pages[2];
    size_t page_count[2], page_room[2];
    char *why;
};

static enum gh_err add_page(struct reading *r, enum gh_page_kind kind, const struct gh_page *page) {
    if (r->page_count[kind] == r->page_room[kind])
        return GH_ERR_TOO_LARGE;
    r->pages[kind][r->page_count[kind]++] = *page;
    return GH_OK;
}

/* Organizations by cursor, which goes back as it came, percent-encoded; APIs by number, as Auth0 lists them.
 */
static struct gh_str page_path(struct gh_arena *a, enum gh_page_kind kind, struct gh_str from,
                               size_t number) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(16384);
    if (kind == GH_PAGE_APIS)
        return gh_arena_printf(a, "api/v2/resource-servers?per_page=%d&page=%zu&include_totals=true",
                               PER_PAGE, number);
    gh_buf_addf(&b, "api/v2/organizations?take=%d%s", PER_PAGE, from.len ? "&from=" : "");
    for (size_t i = 0; i < from.len; i++)
        gh_buf_addf(&b, from.ptr[i] && strchr(plain, from.ptr[i]) ? "%c" : "%%%02X",
                    (unsigned char)from.ptr[i]);
    return b.failed ? none : gh_arena_dup(a, gh_buf_str(&b));
}

static enum gh_err read_all(struct reading *r, enum gh_page_kind kind) {
    struct gh_str from = none, body;
    for (bool more = true; more;) {
        struct gh_page page;
        struct gh_str path = page_path(r->arena, kind, from, r->page_count[kind]);
        enum gh_err e =
            path.ptr ? gh_machine_get(r->machine, r->arena, path.ptr, &body, r->why) : GH_ERR_NOMEM;
        if (!e && (e = gh_page_parse(r->arena, kind, body, &page)))
            snprintf(r->why, 256, "%.*s %s", GH_STR_FMT(kinds[kind].list), gh_err_text(e));
        if (!e)
            e = add_page(r, kind, &page);
        if (e)
            return e;
        from = page.next;
        more = kind == GH_PAGE_APIS ? page.count == PER_PAGE : from.len > 0;
    }
    return GH_OK;
}

/* --- writing --- */

static enum gh_err write_facts(const struct reading *r, enum gh_page_kind kind, struct gh_feed_writer *feed,
                               struct gh_str issuer) {
    for (size_t p = 0; p < r->page_count[kind]; p++)
        for (size_t i = 0; i < r->pages[kind][p].count; i++) {
            const struct gh_page_item *item = &r->pages[kind][p].items[i];
            enum gh_err e = gh_feed_set_fact(feed, kinds[kind].fact, issuer, item->name, item->text);
            if (e)
                return e;
        }
    return GH_OK;
}

static enum gh_err list_known(const struct reading *r, struct gh_buf *ret) {
    gh_buf_add_char(ret, '\n');
    for (size_t p = 0; p < r->page_count[GH_PAGE_ORGANIZATIONS]; p++)
        for (size_t i = 0; i < r->pages[GH_PAGE_ORGANIZATIONS][p].count; i++) {
            gh_buf_add(ret, r->pages[GH_PAGE_ORGANIZATIONS][p].items[i].name);
            gh_buf_add_char(ret, '\n');
        }
    return ret->failed ? GH_ERR_TOO_LARGE : GH_OK;
}

/* Both lists are in Auth0's order, but nothing relies on it: each id is looked for from where the last was
 * found. */
static bool is_listed(const char *list, const char **hint, const char *line, size_t len) {
    const char *from = *hint;
    for (int turn = 0; turn < 2; turn++, from = list)
        for (const char *at = from; (at = strchr(at, '\n')) && at[1]; at++)
            if (strncmp(at + 1, line, len) == 0 && at[1 + len] == '\n') {
                *hint = at;
                return true;
            }
    return false;
}

static enum gh_err revoke_missing(const struct gh_organizations *o, const char *now_known,
                                  struct gh_feed_writer *feed, long long now) {
    const char *hint = now_known;
    for (const char *at = o->known; at && (at = strchr(at, '\n')) && at[1]; at++) {
        size_t len = strcspn(at + 1, "\n");
        if (is_listed(now_known, &hint, at + 1, len))
            continue;
        enum gh_err e =
            gh_feed_revoke(feed, GH_EPOCH_ORGANIZATION, (struct gh_str){ at + 1, len }, none, now, now);
        if (e)
            return e;
    }
    return GH_OK;
}

/* What is gone comes first: no lack of room for the rest may keep it from being revoked. Then it is known to
 * be gone, so that it is not revoked again with each reading. */
static enum gh_err write_all(struct gh_organizations *o, const struct reading *r, struct gh_feed_writer *feed,
                             struct gh_str issuer, long long now) {
    gh_auto(gh_buf_release) struct gh_buf known = gh_buf_make(FILE_BYTES_MAX);
    enum gh_err e = list_known(r, &known);
    if (!e)
        e = revoke_missing(o, known.ptr, feed, now);
    if (!e)
        e = gh_file_write_atomic(o->known_file, gh_buf_str(&known), 0600);
    if (e)
        return e;
    free(o->known);
    o->known = strndup(known.ptr, known.len);
    e = o->known ? write_facts(r, GH_PAGE_APIS, feed, issuer) : GH_ERR_NOMEM;
    return e ? e : write_facts(r, GH_PAGE_ORGANIZATIONS, feed, issuer);
}

enum gh_err gh_organizations_read(struct gh_organizations *o, struct gh_machine *m,
                                  struct gh_feed_writer *feed, pthread_mutex_t *lock, struct gh_str issuer,
                                  long long now, char why[256]) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(ARENA);
    struct reading r = { .machine = m, .arena = a, .why = why };
    why[0] = '\0';
    for (int kind = 0; a && kind < 2; kind++) {
        r.page_room[kind] = GH_ORGANIZATIONS_MAX / PER_PAGE;
        r.pages[kind] = gh_arena_calloc(a, r.page_room[kind], sizeof *r.pages[kind]);
    }
    if (!a || !r.pages[0] || !r.pages[1])
        return GH_ERR_NOMEM;
    enum gh_err e = read_all(&r, GH_PAGE_ORGANIZATIONS);
    if (!e)
        e = read_all(&r, GH_PAGE_APIS);
    if (e)
        return e;
    pthread_mutex_lock(lock);
    e = write_all(o, &r, feed, issuer, now);
    pthread_mutex_unlock(lock);
    return e;
}
