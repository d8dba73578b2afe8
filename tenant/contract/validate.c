/* tenant/contract/validate.c - is this value what the contract wants? The words are z-schema's, because they
 * reach people through the clients (notes, b.3). Depth is bounded by the body's (GH_LIMIT_BODY_DEPTH). */
#include <inttypes.h>

#include "core/limits.h"
#include "core/utf8.h"
#include "tenant/contract/contract.h"

static const char *const type_names[] = {
    "null", "boolean", "integer", "number", "string", "array", "object"
};

/* Where we are: a chain of steps on the stack, written only when something is wrong. */
struct place {
    const struct place *parent;
    const char *name; /* NULL: an array item */
    size_t index;
};

struct check {
    struct gh_buf *why; /* NULL while an anyOf or oneOf is tried: only the verdict counts */
    unsigned troubles;
    unsigned depth;
};

static void write_place(struct gh_buf *b, const struct place *p) {
    if (p->parent)
        write_place(b, p->parent);
    if (p->name)
        gh_buf_addf(b, "%s%s", p->parent ? "." : "", p->name);
    else
        gh_buf_addf(b, "[%zu]", p->index);
}

static void begin(struct check *c) {
    if (c->troubles > 1)
        gh_buf_add(c->why, GH_STR(" (also) "));
    gh_buf_add_char(c->why, '\'');
}

static void end(struct check *c, const struct place *at) {
    gh_buf_add_char(c->why, '\'');
    if (at) {
        gh_buf_add(c->why, GH_STR(" on property "));
        write_place(c->why, at);
    }
}

/* Counts the trouble and writes it, unless nobody reads or there were many. */
__attribute__((format(printf, 3, 4))) static void trouble(struct check *c, const struct place *at,
                                                          const char *format, ...) {
    if (++c->troubles > GH_CONTRACT_TROUBLES || !c->why)
        return;
    char text[512]; /* values are cut: they are echoed to their sender only for orientation */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    begin(c);
    gh_buf_add(c->why, (struct gh_str){ text, gh_utf8_whole(text, strlen(text)) });
    end(c, at);
}

/* From 2^53 on every double is whole. */
static bool is_whole(double real) {
    return real <= -0x1p53 || real >= 0x1p53 || real == (double)(long long)real;
}

static enum gh_type type_of(const json_t *v) {
    switch (json_typeof(v)) {
    case JSON_NULL:
        return GH_TYPE_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return GH_TYPE_BOOLEAN;
    case JSON_INTEGER:
        return GH_TYPE_INTEGER;
    case JSON_REAL:
        return is_whole(json_real_value(v)) ? GH_TYPE_INTEGER : GH_TYPE_NUMBER;
    case JSON_STRING:
        return GH_TYPE_STRING;
    case JSON_ARRAY:
        return GH_TYPE_ARRAY;
    case JSON_OBJECT:
        return GH_TYPE_OBJECT;
    }
    return GH_TYPE_NULL;
}

static bool type_fits(unsigned wanted, enum gh_type type) {
    return wanted == 0 || (wanted & (1u << type)) ||
           (type == GH_TYPE_INTEGER && (wanted & (1u << GH_TYPE_NUMBER)));
}

static void wrong_type(struct check *c, const struct place *at, unsigned wanted, enum gh_type type) {
    char names[80] = "";
    size_t used = 0;
    for (size_t i = 0; i < GH_COUNT(type_names); i++)
        if (wanted & (1u << i))
            used +=
                (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? "," : "", type_names[i]);
    trouble(c, at, "Expected type %s but found type %s", names, type_names[type]);
}

static bool enum_holds(const struct gh_enum_value *e, const json_t *v) {
    switch (e->type) {
    case GH_TYPE_NULL:
        return json_is_null(v);
    case GH_TYPE_BOOLEAN:
        return json_is_boolean(v) && json_is_true(v) == (e->number != 0);
    case GH_TYPE_INTEGER:
        return json_is_number(v) && json_number_value(v) == (double)e->number;
    case GH_TYPE_STRING:
        return json_is_string(v) &&
               gh_str_is((struct gh_str){ json_string_value(v), json_string_length(v) }, e->text);
    default:
        return false;
    }
}

static void check_enum(struct check *c, const struct gh_schema *s, const json_t *v, const struct place *at) {
    for (size_t i = 0; i < s->enums_count; i++)
        if (enum_holds(&gh_contract_enums[s->enums + i], v))
            return;
    if (json_is_string(v))
        trouble(c, at, "No enum match for: %s", json_string_value(v));
    else
        trouble(c, at, "No enum match for: %s", json_is_null(v) ? "null" : type_names[type_of(v)]);
}

static size_t characters(struct gh_str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
    return n;
}

static void check_string(struct check *c, const struct gh_schema *s, const json_t *v,
                         const struct place *at) {
    struct gh_str text = { json_string_value(v), json_string_length(v) };
    size_t n = s->min_length || s->max_length ? characters(text) : 0;
    if (s->min_length && n + 1 < s->min_length)
        trouble(c, at, "String is too short (%zu chars), minimum %d", n, s->min_length - 1);
    if (s->max_length && n + 1 > s->max_length)
        trouble(c, at, "String is too long (%zu chars), maximum %d", n, s->max_length - 1);
    if (!gh_contract_pattern(s->pattern, text))
        trouble(c, at, "String does not match pattern %s: %s", gh_contract_pattern_text(s->pattern),
                text.ptr);
    if (!gh_contract_format(s->format, text))
        trouble(c, at, "Object didn't pass validation for format %s: %s", gh_contract_format_name(s->format),
                text.ptr);
}

static void check_number(struct check *c, const struct gh_schema *s, const json_t *v,
                         const struct place *at) {
    double n = json_number_value(v);
    if (s->has_minimum && n < (double)s->minimum)
        trouble(c, at, "Value %.15g is less than minimum %lld", n, s->minimum);
    if (s->has_maximum && n > (double)s->maximum)
        trouble(c, at, "Value %.15g is greater than maximum %lld", n, s->maximum);
}

static void check_value(struct check *c, short schema, const json_t *v, const struct place *at);

static void check_array(struct check *c, const struct gh_schema *s, const json_t *v, const struct place *at) {
    size_t n = json_array_size(v);
    if (s->min_items && n + 1 < s->min_items)
        trouble(c, at, "Array is too short (%zu), minimum %d", n, s->min_items - 1);
    if (s->max_items && n + 1 > s->max_items)
        trouble(c, at, "Array is too long (%zu), maximum %d", n, s->max_items - 1);
    if (s->items == GH_SCHEMA_NONE)
        return;
    for (size_t i = 0; i < n && c->troubles < GH_CONTRACT_TROUBLES; i++)
        check_value(c, s->items, json_array_get(v, i), &(struct place){ at, NULL, i });
}

static const struct gh_property *find_property(const struct gh_schema *s, const char *name) {
    size_t low = s->properties, high = low + s->properties_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(gh_contract_properties[middle].name, name);
        if (order == 0)
            return &gh_contract_properties[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* One trouble names all the members that are not allowed. */
static void check_closed(struct check *c, const struct gh_schema *s, const json_t *v,
                         const struct place *at) {
    char names[256] = "";
    size_t used = 0;
    bool any = false; /* a name can be empty */
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)v, key, member) {
        if (find_property(s, key) || used >= sizeof(names) - 1)
            continue;
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", any ? "," : "", key);
        any = true;
    }
    names[gh_utf8_whole(names, strlen(names))] = '\0';
    if (any)
        trouble(c, at, "Additional properties not allowed: %s", names);
}

static void check_object(struct check *c, const struct gh_schema *s, const json_t *v,
                         const struct place *at) {
    size_t n = json_object_size(v);
    if (s->min_properties && n + 1 < s->min_properties)
        trouble(c, at, "Too few properties defined (%zu), minimum %d", n, s->min_properties - 1);
    if (s->max_properties && n + 1 > s->max_properties)
        trouble(c, at, "Too many properties defined (%zu), maximum %d", n, s->max_properties - 1);
    for (size_t i = 0; i < s->required_count; i++)
        if (!json_object_get(v, gh_contract_names[s->required + i]))
            trouble(c, at, "Missing required property: %s", gh_contract_names[s->required + i]);
    if (s->additional == GH_SCHEMA_CLOSED)
        check_closed(c, s, v, at);

    const char *key;
    json_t *member;
    json_object_foreach((json_t *)v, key, member) {
        const struct gh_property *p = find_property(s, key);
        short schema = p ? (short)p->schema : s->additional;
        if (schema >= 0 && c->troubles < GH_CONTRACT_TROUBLES)
            check_value(c, schema, member, &(struct place){ at, key, 0 });
    }
}

static bool satisfies(short schema, const json_t *v, unsigned depth) {
    struct check quiet = { .depth = depth };
    check_value(&quiet, schema, v, NULL);
    return quiet.troubles == 0;
}

static void check_choice(struct check *c, const struct gh_schema *s, const json_t *v,
                         const struct place *at) {
    size_t any = 0, one = 0;
    for (size_t i = 0; i < s->any_count; i++)
        any += satisfies((short)gh_contract_refs[s->any + i], v, c->depth);
    for (size_t i = 0; i < s->one_count; i++)
        one += satisfies((short)gh_contract_refs[s->one + i], v, c->depth);
    if (s->any_count && !any)
        trouble(c, at, "Data does not match any schemas from 'anyOf'");
    if (s->one_count && !one)
        trouble(c, at, "Data does not match any schemas from 'oneOf'");
    if (one > 1)
        trouble(c, at, "Data is valid against more than one schema from 'oneOf'");
}

static void check_value(struct check *c, short schema, const json_t *v, const struct place *at) {
    const struct gh_schema *s = &gh_contract_schemas[schema];
    enum gh_type type = type_of(v);
    if (c->depth >= GH_LIMIT_BODY_DEPTH * 2) { /* the body is not deeper; a schema that turns in circles is */
        trouble(c, at, "Nesting is too deep");
        return;
    }
    c->depth++;
    if (!type_fits(s->types, type)) {
        wrong_type(c, at, s->types, type);
        c->depth--;
        return;
    }
    if (s->enums_count)
        check_enum(c, s, v, at);
    if (type == GH_TYPE_STRING)
        check_string(c, s, v, at);
    else if (type == GH_TYPE_INTEGER || type == GH_TYPE_NUMBER)
        check_number(c, s, v, at);
    else if (type == GH_TYPE_ARRAY)
        check_array(c, s, v, at);
    else if (type == GH_TYPE_OBJECT)
        check_object(c, s, v, at);
    if (s->any_count || s->one_count)
        check_choice(c, s, v, at);
    c->depth--;
}

bool gh_contract_check(short schema, const json_t *value, struct gh_buf *why) {
    struct check c = { .why = why };
    check_value(&c, schema, value, NULL);
    return c.troubles == 0;
}

/* --- parameters: text that is first read as what the schema wants --- */

static json_t *read_text(unsigned types, struct gh_str text) {
    if ((types & (1u << GH_TYPE_BOOLEAN)) && (gh_str_is(text, "true") || gh_str_is(text, "false")))
        return json_boolean(text.ptr[0] == 't');
    if (types & ((1u << GH_TYPE_INTEGER) | (1u << GH_TYPE_NUMBER))) {
        bool negative = text.len > 1 && text.ptr[0] == '-';
        unsigned long long n;
        if (gh_str_to_u64(gh_str_skip(text, negative), 1ULL << 53, &n))
            return json_integer(negative ? -(json_int_t)n : (json_int_t)n);
    }
    return json_stringn(text.ptr ? text.ptr : "", text.len);
}

static void check_parameter(struct check *c, const struct gh_parameter *p, struct gh_str text) {
    json_t *v = read_text(gh_contract_schemas[p->schema].types, text);
    struct place at = { NULL, p->name, 0 };
    if (v)
        check_value(c, (short)p->schema, v, &at);
    else
        trouble(c, &at, "Expected type string but found type binary"); /* not UTF-8 */
    json_decref(v);
}

bool gh_contract_check_text(const struct gh_parameter *p, struct gh_str text, struct gh_buf *why) {
    struct check c = { .why = why };
    check_parameter(&c, p, text);
    return c.troubles == 0;
}

static const struct gh_parameter *find_parameter(const struct gh_operation *op, struct gh_str name) {
    for (size_t i = 0; i < op->query_count; i++) {
        const struct gh_parameter *p = &gh_contract_parameters[op->query + i];
        if (gh_str_is(name, p->name))
            return p;
    }
    return NULL;
}

bool gh_contract_check_query(const struct gh_operation *op, const struct gh_param *query, size_t count,
                             struct gh_buf *why) {
    struct check c = { .why = why };
    unsigned long long seen = 0;
    for (size_t i = 0; i < count && c.troubles < GH_CONTRACT_TROUBLES; i++) {
        const struct gh_parameter *p = find_parameter(op, query[i].name);
        if (!p) {
            trouble(&c, NULL, "Additional properties not allowed: %.*s", GH_STR_FMT(query[i].name));
            continue;
        }
        size_t at = (size_t)(p - &gh_contract_parameters[op->query]);
        if ((seen >> at) & 1 && !p->array)
            trouble(&c, &(struct place){ NULL, p->name, 0 }, "Expected type string but found type array");
        seen |= 1ULL << at;
        check_parameter(&c, p, query[i].value);
    }
    for (size_t i = 0; i < op->query_count; i++)
        if (gh_contract_parameters[op->query + i].required && !((seen >> i) & 1))
            trouble(&c, NULL, "Missing required property: %s", gh_contract_parameters[op->query + i].name);
    return c.troubles == 0;
}
