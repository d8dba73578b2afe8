/* All elements of a parent's collection as one resource: which are to be added, which to be removed. Those
 * that somebody else put there are seen and go, too. */
#include <string.h>

#include "stack/engine/internal.h"
#include "stack/engine/mapping.h"
#include "stack/value.h"

json_t *gh_find_element(const struct gh_provider *p, const json_t *list, const json_t *element) {
    const char *id = p->each ? p->elements[0] : NULL;
    size_t i;
    json_t *other;
    json_array_foreach(list, i, other) {
        if (id ? json_equal(json_object_get(other, id), json_object_get(element, id))
               : json_equal(other, element))
            return other;
    }
    return NULL;
}

static json_t *elements_of(const struct gh_step *s, const json_t *inputs) {
    const struct gh_property *p =
        gh_schema_property(s->type->inputs, s->type->input_count, gh_str_from(s->provider->set));
    json_t *plain = gh_value_plain(json_object_get(inputs, s->provider->set));
    json_t *encoded = plain ? gh_mapping_encode_value(p, plain) : json_array();
    json_t *ret = gh_live_canonical(s->provider, encoded);
    json_decref(encoded);
    json_decref(plain);
    return ret;
}

static void add_element_change(struct gh_step *s, const char *kind, json_t *element, bool foreign,
                               bool drift) {
    json_t *change = json_pack("{s:[s], s:O}", "path", s->provider->set, kind, element);
    if (foreign)
        json_object_set_new(change, "foreign", json_true());
    if (drift)
        json_object_set_new(change, "drift", json_true());
    s->drift |= drift || foreign;
    json_array_append_new(s->changes, change);
}

void gh_set_compare(struct gh_step *s) {
    json_t *wanted = elements_of(s, s->inputs),
           *before = s->entry ? elements_of(s, json_object_get(s->entry, "inputs")) : json_array(), *x;
    size_t i;
    s->changes = json_array();
    const struct gh_provider *p = s->provider;
    json_array_foreach(wanted, i, x) {
        json_t *there = gh_find_element(p, s->live, x), *former = gh_find_element(p, before, x);
        if (there && (!p->each || gh_diff_satisfies(x, there)))
            continue;
        add_element_change(s, "add", x, false, former && gh_diff_satisfies(x, former));
        if (there)
            json_object_set_new(json_array_get(s->changes, json_array_size(s->changes) - 1), "from",
                                gh_diff_found(p, x, there));
    }
    json_array_foreach(s->live, i, x) {
        if (!gh_find_element(p, wanted, x))
            add_element_change(s, "remove", x, !gh_find_element(p, before, x), false);
    }
    json_decref(wanted);
    json_decref(before);
}

/* The same of elements: those to be added do no harm when they are there already. */
static bool wants_certainty(struct gh_engine *e, const struct gh_step *s) {
    struct gh_step trial = *s;
    json_t *change;
    size_t i;
    if (!s->live || !gh_live_is_hearsay(e->live, s->provider, s->id, s->inputs))
        return false;
    gh_set_compare(&trial);
    bool ret = s->entry && json_array_size(trial.changes) > 0;
    json_array_foreach(trial.changes, i, change) ret |= json_object_get(change, "remove") != NULL;
    json_decref(trial.changes);
    return ret;
}

static enum gh_err read_elements(struct gh_engine *e, struct gh_step *s, struct gh_api_reply *reply) {
    enum gh_err err = gh_live_elements(e->live, s->provider, s->inputs, GH_AGE_ANY, &s->live, reply);
    if (err || !wants_certainty(e, s))
        return err;
    json_decref(s->live);
    s->live = NULL;
    return gh_live_elements(e->live, s->provider, s->inputs, GH_AGE_NOW, &s->live, reply);
}

enum gh_err gh_set_decide(struct gh_engine *e, struct gh_step *s, const struct gh_registration *r) {
    struct gh_api_reply reply = { 0 };
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(8192);
    if (gh_provider_expand(s->provider->list, NULL, s->inputs, true, &path) == GH_OK) {
        enum gh_err err = read_elements(e, s, &reply);
        if (err && err != GH_ERR_NOT_FOUND)
            return gh_complain(e, s, "read", err, &reply);
        gh_api_reply_release(&reply);
    }
    gh_set_compare(s);
    s->op = !s->entry || !s->live ? GH_OP_CREATE : json_array_size(s->changes) ? GH_OP_UPDATE : GH_OP_SAME;
    return gh_adopt_named(e, s, r);
}
