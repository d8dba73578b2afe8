/* tenant/api/paging.c - lists in both of Auth0's styles: page + per_page with totals or a Link header, and
 * checkpoints (from + take), which win when both are asked (recorded, notes b.5). */
#include <stdlib.h>
#include <time.h>

#include "core/b64url.h"
#include "core/limits.h"
#include "core/target.h"
#include "sys/clock.h"
#include "tenant/api/call.h"

enum { PAGE_SIZE = 50 };
#define LINK_MAX 2048 /* nginx reads all headers of an answer into 4 KiB as it is installed */
#define ALL_ROWS 9223372036854775807LL

static long long number(struct gh_call *c, const char *name, long long fallback) {
    struct gh_str text;
    unsigned long long n;
    return gh_request_query(c->x, name, &text) && gh_str_to_u64(text, 1ULL << 53, &n) ? (long long)n
                                                                                      : fallback;
}

static bool flag(struct gh_call *c, const char *name, bool fallback) {
    struct gh_str text;
    return gh_request_query(c->x, name, &text) ? gh_str_is(text, "true") : fallback;
}

/* --- checkpoints: unpadded base64 of "2026-04-23 07:39:15.574000UTC,<id>" (recorded) --- */

static enum gh_err write_checkpoint(struct gh_call *c, long long ms, struct gh_str id, struct gh_str *ret) {
    char iso[25]; /* 2026-04-23T07:39:15.574Z */
    gh_clock_format_iso(ms, iso);
    struct gh_str plain =
        gh_arena_printf(c->x->arena, "%.10s %.12s000UTC,%.*s", iso, iso + 11, GH_STR_FMT(id));
    return plain.ptr ? gh_b64url_encode(c->x->arena, plain, ret) : GH_ERR_NOMEM;
}

static bool digits(const char *s, size_t count, int *ret) {
    *ret = 0;
    for (size_t i = 0; i < count; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        *ret = *ret * 10 + (s[i] - '0');
    }
    return true;
}

static bool parse_checkpoint(struct gh_str plain, long long *ms, struct gh_str *id) {
    static const char shape[] = "dddd-dd-dd dd:dd:dd.dddddd"; /* then UTC,<id> */
    struct gh_str rest = plain, when;
    struct tm tm = { 0 };
    int micro;
    if (!gh_str_cut(&rest, ',', &when) || rest.len == 0 || when.len != sizeof(shape) - 1 + 3)
        return false;
    if (!gh_str_ends(when, GH_STR("UTC")) || when.ptr[4] != '-' || when.ptr[7] != '-' ||
        when.ptr[10] != ' ' || when.ptr[13] != ':' || when.ptr[16] != ':' || when.ptr[19] != '.')
        return false;
    if (!digits(when.ptr, 4, &tm.tm_year) || !digits(when.ptr + 5, 2, &tm.tm_mon) ||
        !digits(when.ptr + 8, 2, &tm.tm_mday) || !digits(when.ptr + 11, 2, &tm.tm_hour) ||
        !digits(when.ptr + 14, 2, &tm.tm_min) || !digits(when.ptr + 17, 2, &tm.tm_sec) ||
        !digits(when.ptr + 20, 6, &micro))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ms = (long long)timegm(&tm) * 1000 + micro / 1000;
    *id = rest;
    return true;
}

static enum gh_err read_checkpoint(struct gh_call *c, struct gh_str from) {
    struct gh_str plain;
    enum gh_err e = gh_b64url_decode(c->x->arena, from, &plain);
    if (e == GH_ERR_NOMEM)
        return e;
    if (e || !parse_checkpoint(plain, &c->paging.after_time, &c->paging.after_id))
        return gh_call_refuse(
            c, 400, "invalid_query_string",
            "Query validation error: 'Object didn't pass validation for format checkpoint-id: "
            "%.*s' on property from.",
            (int)(from.len > 200 ? 200 : from.len), from.ptr);
    return GH_OK;
}

enum gh_err gh_paging_read(struct gh_call *c) {
    struct gh_paging *p = &c->paging;
    struct gh_str from = { 0 }, text;
    *p = (struct gh_paging){ .after_time = -1, .after_id = GH_STR("") };
    gh_request_query(c->x, "fields", &p->fields);
    p->fields_exclude = !flag(c, "include_fields", true);

    bool asked = gh_request_query(c->x, "from", &from) || gh_request_query(c->x, "take", &text);
    if (c->op->paging == GH_PAGING_CHECKPOINT || (c->op->paging == GH_PAGING_BOTH && asked)) {
        p->checkpoint = true;
        p->size = number(c, "take", PAGE_SIZE);
        return from.len ? read_checkpoint(c, from) : GH_OK;
    }
    p->page = number(c, "page", 0);
    p->size = number(c, "per_page", PAGE_SIZE);
    p->totals = flag(c, "include_totals", false);
    if (c->op->paging != GH_PAGING_NONE && p->page * (p->size ? p->size : PAGE_SIZE) > GH_LIMIT_PAGE_RECORDS)
        return gh_call_refuse(c, 400, "invalid_paging",
                              "Requesting page exceeds the allowed maximum of %d records",
                              GH_LIMIT_PAGE_RECORDS);
    return GH_OK;
}

/* --- projection --- */

static bool is_named(struct gh_str list, const char *name) {
    struct gh_str rest = list, head;
    bool more = true;
    while (more) {
        head = rest;
        more = gh_str_cut(&rest, ',', &head);
        if (gh_str_is(gh_str_trim(head), name))
            return true;
    }
    return false;
}

void gh_paging_project(const struct gh_call *c, json_t *object, const char *const *always) {
    const char *key;
    json_t *value;
    void *next;
    if (!c->paging.fields.ptr || c->paging.fields.len == 0)
        return;
    json_object_foreach_safe(object, next, key, value) {
        bool keep = is_named(c->paging.fields, key) != c->paging.fields_exclude;
        for (const char *const *a = always; a && *a && !keep; a++)
            keep = strcmp(*a, key) == 0;
        if (!keep)
            json_object_del(object, key);
    }
}

/* --- the listing --- */

struct collected {
    json_t *items;
    long long total; /* -1: not known */
    long long last_time;
    struct gh_str last_id;
    bool more;
};

static enum gh_err take_row(struct gh_db *db, struct gh_call *c, const struct gh_listing *l,
                            struct gh_rows *rows, long long room, struct collected *got) {
    json_t *item = NULL;
    if ((long long)json_array_size(got->items) >= room && c->paging.checkpoint) {
        got->more = true;
        return GH_OK;
    }
    enum gh_err e = l->item(db, c, rows, &item);
    if (e || !item)
        return e;
    if (json_array_append_new(got->items, item))
        return GH_ERR_NOMEM;
    if (c->paging.checkpoint) {
        got->last_time = gh_rows_int(rows, 1);
        got->last_id = gh_arena_dup(c->x->arena, gh_rows_text(rows, 0));
    }
    return GH_OK;
}

/* Reads up to `room` items; with a checkpoint one row more, to know whether there is a next page. */
static enum gh_err collect(struct gh_db *db, struct gh_call *c, const struct gh_listing *l, long long offset,
                           long long limit, long long room, struct collected *got) {
    struct gh_bind binds[7];
    memcpy(binds, l->binds, sizeof(l->binds[0]) * l->bind_count);
    size_t n = l->bind_count;
    binds[n++] = GH_INT("limit", limit);
    if (c->paging.checkpoint) {
        binds[n++] = GH_INT("after_time", c->paging.after_time);
        binds[n++] = GH_TEXT("after_id", c->paging.after_id);
    } else {
        binds[n++] = GH_INT("offset", offset);
    }

    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    enum gh_err e = gh_db_query(db, l->sql, binds, n, &rows);
    bool has = false;
    while (!e && !got->more && !(e = gh_rows_next(&rows, &has)) && has)
        e = take_row(db, c, l, &rows, room, got);
    return e;
}

static enum gh_err count_all(struct gh_db *db, const struct gh_listing *l, long long *ret) {
    gh_auto(gh_rows_end) struct gh_rows rows = { 0 };
    bool has = false;
    enum gh_err e = gh_db_query(db, l->count, l->binds, l->bind_count, &rows);
    if (!e)
        e = gh_rows_next(&rows, &has);
    if (!e)
        *ret = has ? gh_rows_int(&rows, 0) : 0;
    return e;
}

struct keyed {
    json_t *item;
    const char *key;
    size_t index;
};

static int by_key(const void *a, const void *b) {
    const struct keyed *x = a, *y = b;
    int c = strcasecmp(x->key, y->key);
    return c ? c : (x->index > y->index) - (x->index < y->index);
}

static enum gh_err sort_items(struct gh_call *c, const struct gh_listing *l, json_t **items) {
    size_t n = json_array_size(*items);
    struct keyed *keys = gh_arena_calloc(c->x->arena, n + 1, sizeof(*keys));
    const char *member = gh_arena_cstr(c->x->arena, l->sort);
    json_t *sorted = json_array();
    if (!keys || !member || !sorted) {
        json_decref(sorted);
        return GH_ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(*items, i);
        const char *key = json_string_value(json_object_get(item, member));
        keys[i] = (struct keyed){ item, key ? key : "", i };
    }
    qsort(keys, n, sizeof(*keys), by_key);
    for (size_t i = 0; i < n; i++)
        json_array_append(sorted, keys[l->sort_descending ? n - 1 - i : i].item);
    json_decref(*items);
    *items = sorted;
    return json_array_size(sorted) == n ? GH_OK : GH_ERR_NOMEM;
}

/* Filters and sorts that SQL cannot do: everything is read, then the page is cut out. */
static enum gh_err collect_by_scan(struct gh_db *db, struct gh_call *c, const struct gh_listing *l,
                                   struct collected *got) {
    long long skip = c->paging.page * c->paging.size;
    struct gh_listing one = *l;
    enum gh_err e = l->values ? GH_OK : collect(db, c, l, 0, ALL_ROWS, ALL_ROWS, got);
    for (size_t i = 0; i < l->value_count && !e; i++) {
        one.binds[0] = GH_TEXT(l->binds[0].name, l->values[i]);
        e = collect(db, c, &one, 0, ALL_ROWS, ALL_ROWS, got);
    }
    if (!e && l->sort.len)
        e = sort_items(c, l, &got->items);
    if (e)
        return e;
    got->total = (long long)json_array_size(got->items);
    json_t *page = json_array();
    for (long long i = skip; page && i < got->total && i < skip + c->paging.size; i++)
        json_array_append(page, json_array_get(got->items, (size_t)i));
    json_decref(got->items);
    got->items = page;
    return page ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err add_link(struct gh_call *c, struct gh_buf *b, const char *rel, long long page) {
    gh_buf_addf(b, "%s<http://%.*s/api/v2/%.*s?", b->len ? ", " : "", GH_STR_FMT(c->x->tenant->domain),
                GH_STR_FMT(gh_str_skip(c->x->path, sizeof("/api/v2/") - 1)));
    for (size_t i = 0; i < c->x->query_count; i++) {
        const struct gh_param *q = &c->x->query[i];
        struct gh_str value;
        if (gh_str_is(q->name, "page") || gh_str_is(q->name, "per_page"))
            continue;
        enum gh_err e = gh_percent_encode(c->x->arena, q->value, &value);
        if (e)
            return e;
        gh_buf_addf(b, "%.*s=%.*s&", GH_STR_FMT(q->name), GH_STR_FMT(value));
    }
    gh_buf_addf(b, "page=%lld&per_page=%lld>; rel=\"%s\"", page, c->paging.size, rel);
    return GH_OK;
}

/* A bare array carries its neighbours in Link (recorded; `next` is absent on the last page). Each repeats the
 * query; a header that proxies would refuse is left out. */
static enum gh_err write_links(struct gh_call *c, long long total) {
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(LINK_MAX);
    long long last = c->paging.size && total ? (total - 1) / c->paging.size : 0;
    enum gh_err e = add_link(c, &b, "first", 0);
    if (!e && c->paging.page > 0)
        e = add_link(c, &b, "prev", c->paging.page - 1);
    if (!e && c->paging.page < last)
        e = add_link(c, &b, "next", c->paging.page + 1);
    if (!e)
        e = add_link(c, &b, "last", last);
    if (!e && !b.failed)
        gh_response_header(c->x, "Link", gh_buf_str(&b));
    return e;
}

static enum gh_err envelope(struct gh_call *c, const struct gh_listing *l, struct collected *got) {
    json_t *items = json_incref(got->items);
    if (c->paging.checkpoint) {
        struct gh_str next = { 0 };
        enum gh_err e = got->more ? write_checkpoint(c, got->last_time, got->last_id, &next) : GH_OK;
        if (e) {
            json_decref(items);
            return e;
        }
        return gh_call_answer(c, json_pack("{s:o, s:s*}", l->key, items, "next", next.ptr));
    }
    if (!c->paging.totals) {
        enum gh_err e = c->op->paging == GH_PAGING_NONE ? GH_OK : write_links(c, got->total);
        if (e)
            json_decref(items);
        return e ? e : gh_call_answer(c, items);
    }
    json_int_t length = (json_int_t)json_array_size(items);
    json_t *answer = json_pack("{s:o, s:I, s:I, s:I}", l->key, items, "start",
                               (json_int_t)(c->paging.page * c->paging.size), "limit",
                               (json_int_t)c->paging.size, "total", (json_int_t)got->total);
    if (answer && l->length)
        json_object_set_new(answer, "length", json_integer(length));
    return gh_call_answer(c, answer);
}

enum gh_err gh_listing_answer(struct gh_db *db, struct gh_call *c, const struct gh_listing *l) {
    struct collected got = { .items = json_array(), .total = -1 };
    enum gh_err e = got.items ? GH_OK : GH_ERR_NOMEM;
    if (!e && c->paging.checkpoint)
        e = collect(db, c, l, 0, l->scan ? ALL_ROWS : c->paging.size + 1, c->paging.size, &got);
    else if (!e && (l->scan || l->sort.len))
        e = collect_by_scan(db, c, l, &got);
    else if (!e)
        e = collect(db, c, l, c->paging.page * c->paging.size, c->paging.size, ALL_ROWS, &got);
    if (!e && got.total < 0 && !c->paging.checkpoint)
        e = count_all(db, l, &got.total);
    for (size_t i = 0; !e && i < json_array_size(got.items); i++)
        gh_paging_project(c, json_array_get(got.items, i), l->always);
    if (!e)
        e = envelope(c, l, &got);
    json_decref(got.items);
    return e;
}
