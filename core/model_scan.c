#include "core/model_scan.h"

enum state {
    VALUE,       /* a value must come */
    FIRST_VALUE, /* ... or the end of the array */
    FIRST_KEY,   /* a name, or the end of the object */
    KEY,         /* a name must come */
    COLON,
    AFTER, /* behind a value: a comma, or the end of its container */
    DONE,
    SCALAR, /* in a text, a number or a literal */
};

/* What a value to come is, and what a container is for us. */
enum role {
    NOTHING,
    OUTER,       /* the document */
    INNER,       /* read like it, when it is an object */
    MODEL,       /* a model's name, nothing else */
    NAME,        /* a model's name or null */
    NAMES,       /* an array of ALTERNATIVEs, or one name, or null */
    ALTERNATIVE, /* a name or an object that has one */
    INNERS,      /* a container of INNER */
    NEVER,       /* null at most */
};

#define REFUSED GH_ERR_AMBIGUOUS_BODY

/* --- containers ----------------------------------------------------------------------------------------- */

static bool in_object(const struct gh_model_scan *s) {
    return s->objects >> (s->depth - 1) & 1;
}

static enum role role_here(const struct gh_model_scan *s) {
    return s->depth >= 1 && s->depth <= GH_LIMIT_MODEL_LEVELS ? (enum role)s->roles[s->depth] : NOTHING;
}

/* What a container becomes that stands where `coming` was expected. */
static enum gh_err role_of(enum role coming, bool object, enum role *ret) {
    switch (coming) {
    case OUTER:
        *ret = OUTER;
        return object ? GH_OK : REFUSED;
    case INNER:
        *ret = object ? INNER : NOTHING;
        return GH_OK;
    case INNERS:
        *ret = INNERS;
        return GH_OK;
    case NAMES:
        *ret = NAMES;
        return object ? REFUSED : GH_OK;
    case ALTERNATIVE:
        *ret = ALTERNATIVE;
        return object ? GH_OK : REFUSED;
    case NOTHING:
        *ret = NOTHING;
        return GH_OK;
    default: /* a name must be a text */
        return REFUSED;
    }
}

static enum gh_err open_container(struct gh_model_scan *s, bool object) {
    enum role role;
    if (role_of((enum role)s->coming, object, &role) || s->depth == GH_LIMIT_MODEL_DEPTH)
        return REFUSED;
    s->depth++;
    s->objects = (s->objects & ~(1ULL << (s->depth - 1))) | (uint64_t)object << (s->depth - 1);
    if (s->depth <= GH_LIMIT_MODEL_LEVELS) {
        s->roles[s->depth] = (uint8_t)role;
        s->first[s->depth] = s->seen_count;
        s->has_model &= (uint8_t) ~(1u << (s->depth - 1));
    } else if (role != NOTHING)
        return REFUSED;
    s->state = object ? FIRST_KEY : FIRST_VALUE;
    s->coming = role == NAMES ? ALTERNATIVE : role == INNERS ? INNER : NOTHING;
    return GH_OK;
}

static enum gh_err close_container(struct gh_model_scan *s, bool object) {
    if (s->depth == 0 || in_object(s) != object)
        return REFUSED;
    if (s->depth <= GH_LIMIT_MODEL_LEVELS) {
        if (role_here(s) == ALTERNATIVE && !(s->has_model >> (s->depth - 1) & 1))
            return REFUSED;
        s->seen_count = s->first[s->depth];
    }
    s->depth--;
    s->state = s->depth ? AFTER : DONE;
    return GH_OK;
}

static enum gh_err after_value(struct gh_model_scan *s) {
    s->state = AFTER;
    return GH_OK;
}

static enum gh_err comma(struct gh_model_scan *s) {
    if (in_object(s)) {
        s->state = KEY;
        return GH_OK;
    }
    enum role role = role_here(s);
    s->coming = role == NAMES ? ALTERNATIVE : role == INNERS ? INNER : NOTHING;
    s->state = VALUE;
    return GH_OK;
}

/* --- scalars -------------------------------------------------------------------------------------------- */

/* A name of an object that we look into. Longer ones than we keep could be twins behind what we keep:
 * refused. */
static enum gh_err key_end(struct gh_model_scan *s) {
    static const uint8_t comings[] = {
        [GH_WORD_OTHER] = NOTHING, [GH_WORD_MODEL] = MODEL, [GH_WORD_NAME] = NAME,   [GH_WORD_NAMES] = NAMES,
        [GH_WORD_TOOLS] = INNERS,  [GH_WORD_INNER] = INNER, [GH_WORD_WRAP] = INNERS, [GH_WORD_NEVER] = NEVER,
    };
    struct gh_str word = gh_json_scalar_word(&s->scalar);
    if (s->scalar.escaped || word.len > GH_LIMIT_MODEL_NAME || s->seen_count == GH_LIMIT_MODEL_MEMBERS)
        return REFUSED;
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < word.len; i++)
        hash = (hash ^ (unsigned char)word.ptr[i]) * 0x100000001b3;
    for (size_t i = s->first[s->depth]; i < s->seen_count; i++)
        if (s->seen[i] == hash)
            return REFUSED;
    s->seen[s->seen_count++] = hash;

    enum role role = role_here(s);
    if (role == INNERS) {
        s->coming = INNER;
        return GH_OK;
    }
    enum gh_model_word known = gh_model_word_find(word, false);
    if (known == GH_WORD_ALMOST)
        return REFUSED;
    s->coming = comings[known];
    if (known == GH_WORD_MODEL) {
        s->has_model |= (uint8_t)(1u << (s->depth - 1));
        if (role == OUTER)
            s->names->named = true;
    }
    return GH_OK;
}

static void string_begin(struct gh_model_scan *s) {
    enum role role = role_here(s), coming = (enum role)s->coming;
    s->is_key = s->state == KEY || s->state == FIRST_KEY;
    s->is_text = true;
    gh_json_scalar_string(&s->scalar, s->is_key ? role != NOTHING
                                                : coming == MODEL || coming == NAME || coming == NAMES ||
                                                      coming == ALTERNATIVE);
    s->state = SCALAR;
}

static enum gh_err string_end(struct gh_model_scan *s) {
    if (s->is_key) {
        s->state = COLON;
        s->coming = NOTHING;
        return s->scalar.captures ? key_end(s) : GH_OK;
    }
    if (s->coming == OUTER || s->coming == NEVER)
        return REFUSED;
    struct gh_str word = gh_json_scalar_word(&s->scalar);
    if (s->scalar.captures && (word.len > GH_LIMIT_MODEL_NAME || gh_model_names_add(s->names, word)))
        return REFUSED;
    return after_value(s);
}

static bool null_will_do(const struct gh_model_scan *s) {
    return s->coming == NOTHING || s->coming == NAME || s->coming == NAMES || s->coming == INNER ||
           s->coming == INNERS || s->coming == NEVER;
}

static bool scalar_will_do(const struct gh_model_scan *s) {
    return s->coming == NOTHING || s->coming == INNER || s->coming == INNERS;
}

static enum gh_err literal_begin(struct gh_model_scan *s, char c) {
    if (c == 'n' ? !null_will_do(s) : !scalar_will_do(s))
        return REFUSED;
    s->is_text = false;
    gh_json_scalar_literal(&s->scalar, c);
    s->state = SCALAR;
    return GH_OK;
}

static enum gh_err number_begin(struct gh_model_scan *s, char c) {
    if (!scalar_will_do(s))
        return REFUSED;
    s->is_text = false;
    gh_json_scalar_number(&s->scalar, c);
    s->state = SCALAR;
    return GH_OK;
}

static enum gh_err scalar_end(struct gh_model_scan *s) {
    return s->is_text ? string_end(s) : after_value(s);
}

/* --- the document --------------------------------------------------------------------------------------- */

static enum gh_err value_begin(struct gh_model_scan *s, char c) {
    switch (c) {
    case '{':
    case '[':
        return open_container(s, c == '{');
    case '"':
        string_begin(s);
        return GH_OK;
    case 't':
    case 'f':
    case 'n':
        return literal_begin(s, c);
    case ']':
        return s->state == FIRST_VALUE ? close_container(s, false) : REFUSED;
    default:
        return c == '-' || (c >= '0' && c <= '9') ? number_begin(s, c) : REFUSED;
    }
}

static enum gh_err structure(struct gh_model_scan *s, char c) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
        return GH_OK;
    switch (s->state) {
    case VALUE:
    case FIRST_VALUE:
        return value_begin(s, c);
    case FIRST_KEY:
        if (c == '}')
            return close_container(s, true);
        [[fallthrough]];
    case KEY:
        if (c != '"')
            return REFUSED;
        string_begin(s);
        return GH_OK;
    case COLON:
        s->state = VALUE;
        return c == ':' ? GH_OK : REFUSED;
    case AFTER:
        return c == ',' ? comma(s) : c == '}' || c == ']' ? close_container(s, c == '}') : REFUSED;
    default:
        return REFUSED;
    }
}

enum gh_err gh_model_scan_feed(struct gh_model_scan *s, struct gh_str bytes) {
    const char *p = bytes.ptr, *end = bytes.ptr + bytes.len;
    while (!s->err && p < end) {
        if (s->state != SCALAR) {
            s->err = structure(s, *p++);
            continue;
        }
        bool whole;
        p = gh_json_scalar_feed(&s->scalar, p, end, &whole);
        if (!p)
            s->err = REFUSED;
        else if (whole)
            s->err = scalar_end(s);
    }
    return s->err;
}

void gh_model_scan_begin(struct gh_model_scan *s, struct gh_model_names *names) {
    names->count = names->used = 0;
    names->named = false;
    s->names = names;
    s->err = GH_OK;
    s->objects = 0;
    s->state = VALUE;
    s->depth = 0;
    s->coming = OUTER;
    s->has_model = 0;
    s->seen_count = 0;
}

enum gh_err gh_model_scan_end(struct gh_model_scan *s) {
    if (!s->err && s->state != DONE)
        s->err = REFUSED;
    return s->err;
}
