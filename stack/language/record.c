#include "stack/language/record.h"

#include "core/limits.h"

bool record_is_text(struct loading *l, const struct gh_yaml *v) {
    bool text = v->kind == GH_YAML_SCALAR && !gh_yaml_is_null(v);
    if (!text)
        refuse(&l->r, place_of(v), "'%.*s' must be a text", GH_STR_FMT(v->key->text));
    return text;
}

bool record_is_map(struct loading *l, const struct gh_yaml *v) {
    if (v->kind != GH_YAML_MAPPING)
        refuse(&l->r, place_of(v), "'%.*s' must be a map", GH_STR_FMT(v->key->text));
    return v->kind == GH_YAML_MAPPING;
}

bool record_boolean(struct loading *l, const struct gh_yaml *v, bool *ret) {
    json_t *value = v->kind == GH_YAML_SCALAR ? gh_yaml_scalar(v) : NULL;
    bool good = json_is_boolean(value);
    if (good)
        *ret = json_is_true(value);
    else
        refuse(&l->r, place_of(v), "'%.*s' must be true or false, written out", GH_STR_FMT(v->key->text));
    json_decref(value);
    return good;
}

static void refuse_key(struct loading *l, const struct gh_yaml *v, const char *what, const struct key *keys,
                       size_t count) {
    struct gh_str name = v->key->text;
    struct nearest near = { .wanted = name };
    for (size_t i = 0; i < count; i++) {
        if (gh_str_eq_nocase(name, gh_str_from(keys[i].name))) {
            refuse(&l->r, place_of(v->key), "'%.*s' looks like a miscapitalization of '%s'", GH_STR_FMT(name),
                   keys[i].name);
            return;
        }
        if (!keys[i].reason)
            nearest_add(&near, gh_str_from(keys[i].name));
    }
    refuse(&l->r, place_of(v->key), "%s has invalid key '%.*s'", what, GH_STR_FMT(name));
    nearest_tell(&near, l->r.d, "Existing keys are:");
}

void record_key(struct loading *l, const struct gh_yaml *v, const char *what, const struct key *keys,
                size_t count) {
    const struct key *k = keys;
    while (k < keys + count && !gh_str_is(v->key->text, k->name))
        k++;
    if (k == keys + count)
        refuse_key(l, v, what, keys, count);
    else if (k->reason)
        refuse(&l->r, place_of(v->key), "%s: '%s' %s", what, k->name, k->reason);
    else if (k->read)
        k->read(l, v);
}

void record_keys(struct loading *l, const struct gh_yaml *map, const char *what, const struct key *keys,
                 size_t count) {
    for (const struct gh_yaml *v = map->first; v; v = v->next)
        record_key(l, v, what, keys, count);
}

struct declaration *declare(struct loading *l, enum declaration_kind kind, const struct gh_yaml *v) {
    struct gh_program *p = l->p;
    if (p->count == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct declaration **all = need(&l->r, gh_arena_calloc(p->arena, room, sizeof *all));
        if (!all)
            return NULL;
        if (p->count)
            memcpy(all, p->all, p->count * sizeof *all);
        p->all = all;
        l->room = room;
    }
    if (p->count >= GH_LIMIT_STACK_RESOURCES) {
        refuse(&l->r, place_of(v->key), "a program declares at most %d things", GH_LIMIT_STACK_RESOURCES);
        return NULL;
    }
    struct declaration *d = need(&l->r, GH_NEW(p->arena, struct declaration));
    if (!d)
        return NULL;
    *d =
        (struct declaration){ .kind = kind, .name = v->key->text, .at = place_of(v->key), .index = p->count };
    if (gh_str_is(d->name, "pulumi"))
        refuse(&l->r, d->at, "the name 'pulumi' is reserved: ${pulumi.stack} and others are found there");
    if (d->name.len == 0 || strcspn(d->name.ptr, ".[]{}\"$ \t\n") != d->name.len)
        refuse(&l->r, d->at, "'%s' is no name that a reference can hold: no blanks, dots, brackets or quotes",
               d->name.ptr);
    p->all[p->count++] = d;
    l->at_hand = d;
    return d;
}
