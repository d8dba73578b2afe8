#include "core/model_list.h"

#include "core/cleanup.h"
#include "core/json.h"
#include "core/limits.h"

struct list {
    struct gh_json data, has_more;
    bool has_ids;
    struct gh_str first, last;
    size_t count;
};

static enum gh_err read_list(struct gh_str text, struct list *l) {
    struct gh_json all, id;
    enum gh_err e = gh_json_parse(text, GH_LIMIT_BODY_DEPTH, &all);
    if (e)
        return e;
    if (!gh_json_member(all, GH_STR("data"), &l->data) || l->data.type != GH_JSON_ARRAY)
        return GH_ERR_BAD_CLAIM;
    l->has_ids = gh_json_member(all, GH_STR("first_id"), &id);
    if (!gh_json_member(all, GH_STR("has_more"), &l->has_more) ||
        (l->has_more.type != GH_JSON_TRUE && l->has_more.type != GH_JSON_FALSE))
        l->has_more.text = (struct gh_str){ 0 };
    return GH_OK;
}

static enum gh_err add_one(struct gh_buf *ret, struct list *l, struct gh_json one,
                           bool (*allows)(void *context, struct gh_str id), void *context) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4096);
    struct gh_json member;
    struct gh_str id;
    if (!a)
        return GH_ERR_NOMEM;
    if (!gh_json_member(one, GH_STR("id"), &member))
        return GH_ERR_BAD_CLAIM;
    enum gh_err e = gh_json_string(a, member, &id);
    if (e || !allows(context, id))
        return e;
    if (l->count++)
        gh_buf_add_char(ret, ',');
    else
        l->first = member.text;
    l->last = member.text;
    gh_buf_add(ret, one.text);
    return GH_OK;
}

enum gh_err gh_model_list_filter(struct gh_buf *ret, struct gh_str text,
                                 bool (*allows)(void *context, struct gh_str id), void *context) {
    struct list l = { 0 };
    struct gh_str key;
    struct gh_json one;
    enum gh_err e = read_list(text, &l);
    gh_buf_add(ret, GH_STR("{\"object\":\"list\",\"data\":["));
    for (size_t at = 0; !e && gh_json_next(l.data, &at, &key, &one);)
        e = add_one(ret, &l, one, allows, context);
    if (e)
        return e;
    gh_buf_add_char(ret, ']');
    if (l.has_more.text.len) {
        gh_buf_add(ret, GH_STR(",\"has_more\":"));
        gh_buf_add(ret, l.has_more.text);
    }
    if (l.has_ids) {
        gh_buf_add(ret, GH_STR(",\"first_id\":"));
        gh_buf_add(ret, l.count ? l.first : GH_STR("null"));
        gh_buf_add(ret, GH_STR(",\"last_id\":"));
        gh_buf_add(ret, l.count ? l.last : GH_STR("null"));
    }
    gh_buf_add_char(ret, '}');
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}
