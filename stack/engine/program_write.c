#include <string.h>

#include "stack/engine/export.h"
#include "stack/language/edit.h"

#define WIDEST 110

json_t *gh_program_text(const char *text) {
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(1 << 20);
    for (; *text; text++) {
        gh_buf_add_char(&out, *text);
        if (*text == '$' && (text[1] == '$' || text[1] == '{'))
            gh_buf_add_char(&out, '$');
    }
    return out.failed ? NULL : json_stringn(out.ptr ? out.ptr : "", out.len);
}

/* On one line, or not at all when that would be long, or nested deeper than people read. */
static bool one_line(const json_t *value, size_t depth, struct gh_buf *out) {
    const char *key, *lead = "";
    json_t *item;
    size_t i;
    if (json_is_string(value)) {
        gh_yaml_quote(out, (struct gh_str){ json_string_value(value), json_string_length(value) });
    } else if (json_is_object(value) && json_object_size(value)) {
        gh_buf_add(out, GH_STR("{ "));
        json_object_foreach((json_t *)(uintptr_t)value, key, item) {
            gh_buf_add(out, gh_str_from(lead));
            gh_yaml_quote(out, gh_str_from(key));
            gh_buf_add(out, GH_STR(": "));
            if (!depth || !one_line(item, depth - 1, out))
                return false;
            lead = ", ";
        }
        gh_buf_add(out, GH_STR(" }"));
    } else if (json_is_array(value)) {
        gh_buf_add_char(out, '[');
        json_array_foreach(value, i, item) {
            gh_buf_add(out, gh_str_from(lead));
            if (!depth || !one_line(item, depth - 1, out))
                return false;
            lead = ", ";
        }
        gh_buf_add_char(out, ']');
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        gh_buf_add(out, gh_str_from(text ? text : "null"));
        free(text);
    }
    return !out->failed && out->len < WIDEST;
}

static bool is_structure(const json_t *value) {
    return (json_is_object(value) && json_object_size(value)) ||
           (json_is_array(value) && json_array_size(value));
}

static void write_block(struct gh_buf *out, const json_t *value, int indent, int open);

/* Behind "key:" or "-": on the same line where that is short. `open`: so many levels are always blocks. */
static void write_value(struct gh_buf *out, const json_t *value, int indent, int open, bool in_list) {
    gh_auto(gh_buf_release) struct gh_buf line = gh_buf_make(1 << 20);
    bool fits = (open <= 0 && one_line(value, 2, &line)) || !is_structure(value);
    if (fits && !is_structure(value)) { /* a long text has its line all the same */
        gh_buf_reset(&line);
        one_line(value, 2, &line);
    }
    if (fits) {
        gh_buf_addf(out, " %s\n", line.ptr ? line.ptr : "");
        return;
    }
    if (in_list) { /* the first member stands behind the hyphen */
        gh_auto(gh_buf_release) struct gh_buf block = gh_buf_make(16 << 20);
        write_block(&block, value, indent + 2, 0);
        gh_buf_addf(out, " %s", block.ptr ? block.ptr + indent + 2 : "\n");
        return;
    }
    gh_buf_add_char(out, '\n');
    write_block(out, value, indent + 2, open - 1);
}

static void write_block(struct gh_buf *out, const json_t *value, int indent, int open) {
    const char *key;
    json_t *item;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)value, key, item) {
        gh_buf_addf(out, "%*s", indent, "");
        gh_yaml_quote(out, gh_str_from(key));
        gh_buf_add_char(out, ':');
        write_value(out, item, indent, open, false);
    }
    json_array_foreach(value, i, item) {
        gh_buf_addf(out, "%*s-", indent, "");
        write_value(out, item, indent, 0, true);
    }
}

void gh_program_write(struct gh_buf *out, const json_t *program) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)program, key, value) {
        gh_yaml_quote(out, gh_str_from(key));
        gh_buf_add_char(out, ':');
        /* a resource, its type, properties and options; of a value of the configuration the type and the like
         */
        write_value(out, value, 0, strcmp(key, "resources") == 0 ? 3 : 1, false);
    }
}
