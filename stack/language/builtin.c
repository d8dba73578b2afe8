/* The functions of the language. Each works on plain, known values: the evaluator answers for unknowns and
 * keeps secrets secret. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/b64url.h"
#include "core/limits.h"
#include "stack/language/tree.h"

static json_t *complain(struct builtin_call *c, const char *what) {
    gh_diagnose(c->d, GH_SEVERITY_ERROR, c->at, "%s", what);
    return NULL;
}

static struct gh_str text_of(const json_t *value) {
    return (struct gh_str){ json_string_value(value), json_string_length(value) };
}

static json_t *text_from(struct builtin_call *c, struct gh_str s, const char *what) {
    json_t *ret = memchr(s.ptr, 0, s.len) ? NULL : json_stringn(s.ptr, s.len);
    return ret ? ret : complain(c, what); /* not UTF-8, or NUL inside */
}

static json_t *join(struct builtin_call *c) {
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(GH_LIMIT_STACK_FILE);
    size_t i;
    json_t *item;
    json_array_foreach(c->arguments[1], i, item) {
        if (!json_is_string(item))
            return complain(c, "fn::join joins texts only");
        if (i)
            gh_buf_add(&out, text_of(c->arguments[0]));
        gh_buf_add(&out, text_of(item));
    }
    if (out.failed)
        return complain(c, "the joined text is too large");
    return text_from(c, out.len ? gh_buf_str(&out) : GH_STR(""), "the joined text is no text");
}

static json_t *split(struct builtin_call *c) {
    struct gh_str by = text_of(c->arguments[0]), rest = text_of(c->arguments[1]);
    if (by.len == 0)
        return complain(c, "fn::split needs a separator that is not empty");
    json_t *list = json_array();
    for (;;) {
        const char *found = rest.len ? memmem(rest.ptr, rest.len, by.ptr, by.len) : NULL;
        size_t n = found ? (size_t)(found - rest.ptr) : rest.len;
        json_array_append_new(list, json_stringn(rest.ptr, n));
        if (!found)
            return list;
        rest = gh_str_skip(rest, n + by.len);
        if (!rest.ptr)
            rest = GH_STR("");
    }
}

static json_t *select_item(struct builtin_call *c) {
    json_int_t at = json_integer_value(c->arguments[0]);
    json_t *item = at < 0 ? NULL : json_array_get(c->arguments[1], (size_t)at);
    if (item)
        return json_incref(item);
    gh_diagnose(c->d, GH_SEVERITY_ERROR, c->at, "fn::select: there is no item %lld in a list of %zu",
                (long long)at, json_array_size(c->arguments[1]));
    return NULL;
}

/* Go's encoder, which Pulumi uses, sorts the keys and writes no blanks. */
static json_t *to_json(struct builtin_call *c) {
    char *text = json_dumps(c->arguments[0], JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    json_t *ret = text ? json_string(text) : NULL;
    free(text);
    return ret ? ret : complain(c, "out of memory");
}

static json_t *from_json(struct builtin_call *c) {
    json_error_t error;
    struct gh_str text = text_of(c->arguments[0]);
    json_t *ret = json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!ret) /* the parser's words would quote the text, which may be a secret */
        gh_diagnose(c->d, GH_SEVERITY_ERROR, c->at, "fn::fromJSON: the text is not JSON (line %d, column %d)",
                    error.line, error.column);
    return ret;
}

static json_t *coded(struct builtin_call *c,
                     enum gh_err (*code)(struct gh_arena *, struct gh_str, struct gh_str *),
                     const char *what) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4 * GH_LIMIT_STACK_FILE);
    struct gh_str out;
    if (!a || code(a, text_of(c->arguments[0]), &out))
        return complain(c, what);
    return text_from(c, out, what);
}

static json_t *to_base64(struct builtin_call *c) {
    return coded(c, gh_b64_encode, "fn::toBase64: the text is too large");
}

static json_t *from_base64(struct builtin_call *c) {
    return coded(c, gh_b64_decode, "fn::fromBase64: this is not the base64 of a text");
}

static json_t *secret(struct builtin_call *c) {
    return gh_value_secret(json_incref(c->arguments[0]));
}

/* Opens one step below a folder: no link is followed, so that no path can leave the project. */
static int open_below(int folder, struct gh_str step, bool last) {
    char name[256];
    if (step.len == 0 || step.len >= sizeof name || gh_str_is(step, "..")) {
        errno = EINVAL;
        return -1;
    }
    memcpy(name, step.ptr, step.len);
    name[step.len] = '\0';
    return openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY));
}

static int open_in_project(const char *dir, struct gh_str path) {
    int at = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    struct gh_str rest = path, step;
    for (bool last = false; at >= 0 && !last;) {
        last = !gh_str_cut(&rest, '/', &step);
        if (last)
            step = rest;
        if (gh_str_is(step, ".") && !last)
            continue;
        int next = open_below(at, step, last);
        close(at);
        at = next;
    }
    return at;
}

static json_t *read_file(struct builtin_call *c) {
    struct gh_str path = text_of(c->arguments[0]);
    int fd = open_in_project(c->dir, path);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > GH_LIMIT_STACK_FILE) {
        int why = errno;
        gh_diagnose(c->d, GH_SEVERITY_ERROR, c->at, "fn::readFile cannot read '%.*s'%s%s", GH_STR_FMT(path),
                    fd < 0 ? ": " : "", fd < 0 ? strerror(why) : "");
        gh_diagnose_detail(c->d,
                           "it reads plain files of at most %d bytes inside the project's folder, no "
                           "links, no '..'",
                           GH_LIMIT_STACK_FILE);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(GH_LIMIT_STACK_FILE);
    char part[16384];
    ssize_t n;
    while ((n = read(fd, part, sizeof part)) > 0)
        gh_buf_add(&out, (struct gh_str){ part, (size_t)n });
    close(fd);
    if (n < 0 || out.failed)
        return complain(c, "fn::readFile: the file cannot be read");
    return text_from(c, out.len ? gh_buf_str(&out) : GH_STR(""),
                     "fn::readFile: the file holds no UTF-8 text");
}

/* clang-format off */
static const struct builtin builtins[] = {
    { "join",       "[separator, list of texts]", { "string", "string[]" }, "string",   join },
    { "split",      "[separator, text]",          { "string", "string" },   "string[]", split },
    { "select",     "[index, list]",              { "integer", "any[]" },   "any",      select_item },
    { "toJSON",     "a value",                    { "any" },                "string",   to_json },
    { "fromJSON",   "a text",                     { "string" },             "any",      from_json,
      "fn::fromJSON is a function of Pulumi ESC and Gatehouse; Pulumi YAML itself would take it as data" },
    { "toBase64",   "a text",                     { "string" },             "string",   to_base64 },
    { "fromBase64", "a text",                     { "string" },             "string",   from_base64 },
    { "secret",     "a value",                    { "any" },                "any",      secret },
    { "readFile",   "a path in the project",      { "string" },             "string",   read_file },
};
/* clang-format on */

const struct builtin *builtin_find(struct gh_str name, const char **hint) {
    static const char *const pulumi_only[] = {
        "unsecret",     "filebase64",         "filebase64sha256", "sha1",           "length",
        "singleOrNone", "pulumiResourceName", "assetArchive",     "stackReference", "stringAsset",
        "fileAsset",    "remoteAsset",        "fileArchive",      "remoteArchive",  "pulumiResourceType"
    };
    for (size_t i = 0; i < GH_COUNT(builtins); i++)
        if (gh_str_eq_nocase(name, gh_str_from(builtins[i].name)))
            return &builtins[i];
    *hint = "is no function; there are join, split, select, toJSON, fromJSON, toBase64, fromBase64, secret, "
            "readFile and invoke";
    for (size_t i = 0; i < GH_COUNT(pulumi_only); i++)
        if (gh_str_eq_nocase(name, gh_str_from(pulumi_only[i])))
            *hint = "is not in Gatehouse's subset of Pulumi YAML; a program that needs it runs with Pulumi";
    return NULL;
}
