#include "follow/changes.h"

#include "core/json.h"
#include "core/limits.h"
#include "feed/epochs.h"
#include "feed/names.h"

enum { DEPTH = 4 };
#define SEQUENCE_MAX ((1LL << 37) - 2)
#define NAME_MAX_BYTES 2048

static const struct gh_str none = { 0 };

static enum gh_err number(struct gh_json object, struct gh_str name, long long *ret) {
    struct gh_json value;
    if (!gh_json_member(object, name, &value) || gh_json_integer(value, ret) || *ret < 0 ||
        *ret > SEQUENCE_MAX)
        return GH_ERR_MALFORMED;
    return GH_OK;
}

static enum gh_err text(struct gh_arena *a, struct gh_json object, struct gh_str name, size_t max,
                        struct gh_str *ret) {
    struct gh_json value;
    if (!gh_json_member(object, name, &value))
        return GH_ERR_NOT_FOUND;
    enum gh_err e = gh_json_string(a, value, ret);
    return e == GH_ERR_BAD_CLAIM || (!e && ret->len > max) ? GH_ERR_MALFORMED : e;
}

static enum gh_err read_fact(struct gh_arena *a, struct gh_json object, struct gh_change_told *ret) {
    ret->is_fact = true;
    enum gh_err e = text(a, object, GH_STR("text"), GH_LIMIT_FACT, &ret->text);
    if (e == GH_ERR_NOT_FOUND)
        ret->text = none;
    return e == GH_ERR_NOT_FOUND ? GH_OK : e;
}

static enum gh_err read_change(struct gh_arena *a, struct gh_json object, struct gh_change_told *ret) {
    struct gh_str kind;
    *ret = (struct gh_change_told){ 0 };
    enum gh_err e = text(a, object, GH_STR("kind"), NAME_MAX_BYTES, &kind);
    if (!e)
        e = text(a, object, GH_STR("a"), NAME_MAX_BYTES, &ret->a);
    if (e)
        return e == GH_ERR_NOT_FOUND ? GH_ERR_MALFORMED : e;
    if (gh_fact_from_name(kind, &ret->fact))
        return read_fact(a, object, ret);
    if (!gh_epoch_from_name(kind, &ret->kind))
        return GH_ERR_MALFORMED; /* of a newer tenant: skipping it could leave somebody in */
    e = text(a, object, GH_STR("b"), NAME_MAX_BYTES, &ret->b);
    if (!e)
        e = number(object, GH_STR("epoch"), &ret->epoch);
    return e == GH_ERR_NOT_FOUND ? GH_ERR_MALFORMED : e;
}

static enum gh_err read_list(struct gh_arena *a, struct gh_json array, struct gh_changes *ret) {
    struct gh_change_told *list = gh_arena_calloc(a, GH_CHANGES_MAX, sizeof *list);
    struct gh_str name;
    struct gh_json item;
    if (!list)
        return GH_ERR_NOMEM;
    for (size_t at = 0; gh_json_next(array, &at, &name, &item);) {
        if (ret->count == GH_CHANGES_MAX)
            return GH_ERR_TOO_LARGE;
        enum gh_err e = read_change(a, item, &list[ret->count++]);
        if (e)
            return e;
    }
    ret->list = list;
    return GH_OK;
}

enum gh_err gh_changes_parse(struct gh_arena *a, struct gh_str json, struct gh_changes *ret) {
    struct gh_json document, changes, more;
    struct gh_changes c = { 0 };
    enum gh_err e = gh_json_parse(json, DEPTH, &document);
    if (!e)
        e = number(document, GH_STR("log"), &c.log);
    if (!e)
        e = number(document, GH_STR("sequence"), &c.sequence);
    if (!e)
        e = number(document, GH_STR("global"), &c.global);
    if (e)
        return e;
    if (!gh_json_member(document, GH_STR("changes"), &changes) || changes.type != GH_JSON_ARRAY ||
        !gh_json_member(document, GH_STR("more"), &more) ||
        (more.type != GH_JSON_TRUE && more.type != GH_JSON_FALSE))
        return GH_ERR_MALFORMED;
    c.more = more.type == GH_JSON_TRUE;
    e = read_list(a, changes, &c);
    if (!e)
        *ret = c;
    return e;
}

static enum gh_err apply_one(struct gh_feed_writer *w, struct gh_str issuer, const struct gh_change_told *c,
                             long long now) {
    if (c->is_fact)
        return gh_feed_set_fact(w, c->fact, issuer, c->a, c->text);
    return gh_feed_revoke(w, c->kind, c->a, c->b, c->epoch, now > c->epoch ? now : c->epoch);
}

enum gh_err gh_changes_apply(struct gh_feed_writer *w, struct gh_str issuer, const struct gh_changes *c,
                             long long now) {
    enum gh_err e = gh_feed_set_epoch(w, GH_EPOCH_GLOBAL, none, none, c->global);
    for (size_t i = 0; i < c->count && !e; i++)
        e = apply_one(w, issuer, &c->list[i], now);
    return e;
}
