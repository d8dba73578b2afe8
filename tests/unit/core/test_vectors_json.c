/* JSON: JSONTestSuite with the policy for texts that decide (y accepted, n refused; of the undecided ones
 * those with two meanings refused), and request targets. */
#include "core/b64url.h"
#include "core/bearer.h"
#include "core/cleanup.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/model_scan.h"
#include "core/target.h"
#include "tests/check.h"
#include "vectors.h"

/* Undecided cases (i_, transform) that have one meaning and so may pass. Everything else of them must be
 * refused; each row is a decision. */
static const char *const may_pass[] = {
    "i_number_double_huge_neg_exp.json", /* a tiny number is zero for everybody */
    "i_number_real_underflow.json",
    "i_number_too_big_neg_int.json", /* refused where a number is read, ignored elsewhere */
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
    "number_-9223372036854775808.json",
    "number_-9223372036854775809.json",
    "number_1.0.json",
    "number_1.000000000000000005.json",
    "number_1000000000000000.json",
    "number_10000000000000000999.json",
    "number_1e-999.json",
    "number_1e6.json",
    "number_9223372036854775807.json",
    "number_9223372036854775808.json",
    "object_key_nfc_nfd.json", /* names are compared by bytes, never normalised */
    "object_key_nfd_nfc.json",
};

/* The grammar allows them, a text that decides must not have them: duplicates and NUL. */
static const char *const must_not_pass[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
};

static bool is_in(const char *const *list, size_t count, struct gh_str name) {
    for (size_t i = 0; i < count; i++)
        if (gh_str_is(name, list[i]))
            return true;
    return false;
}

static bool wanted(struct gh_str verdict, struct gh_str name) {
    return gh_str_is(verdict, "y")   ? !is_in(must_not_pass, GH_COUNT(must_not_pass), name)
           : gh_str_is(verdict, "n") ? false
                                     : is_in(may_pass, GH_COUNT(may_pass), name);
}

static bool accepted(struct gh_arena *a, const json_t *row) {
    struct gh_str bytes;
    struct gh_json value;
    CHECK(gh_b64_decode(a, text_of(row, "bytes_base64"), &bytes) == GH_OK);
    return gh_json_parse(bytes, GH_LIMIT_BODY_DEPTH, &value) == GH_OK;
}

TEST(json_cases) {
    gh_auto(gh_arena_freep) struct gh_arena *all = gh_arena_new(1 << 24);
    struct gh_str rest = vectors_text(all, "json/cases.jsonl"), line;
    unsigned counts[2] = { 0 }, wrong = 0;
    while (gh_str_cut(&rest, '\n', &line)) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 22);
        json_t *row = json_loadb(line.ptr, line.len, 0, NULL);
        CHECK(row);
        struct gh_str verdict = text_of(row, "verdict"), name = text_of(row, "name");
        bool got = accepted(a, row), bad = got != wanted(verdict, name);
        counts[got]++;
        wrong += bad;
        if (bad)
            print_error("%.*s (%.*s): %s\n", GH_STR_FMT(name), GH_STR_FMT(verdict),
                        got ? "accepted" : "refused");
        json_decref(row);
    }
    printf("json: %u accepted, %u refused, %u wrong\n", counts[1], counts[0], wrong);
    CHECK(wrong == 0 && counts[0] + counts[1] == 340);
}

/* In a place of a request's body that decides nothing, where duplicates do no harm. */
static bool passes_in_a_body(struct gh_arena *a, const json_t *row) {
    static struct gh_model_scan scan;
    static struct gh_model_names names;
    struct gh_str bytes;
    CHECK(gh_b64_decode(a, text_of(row, "bytes_base64"), &bytes) == GH_OK);
    struct gh_str body = gh_arena_printf(a, "{\"model\":\"m\",\"x\":%.*s}", GH_STR_FMT(bytes));
    if (memchr(bytes.ptr, 0, bytes.len))
        return false; /* printf would cut there */
    gh_model_scan_begin(&scan, &names);
    bool ok = gh_model_scan_feed(&scan, body) == GH_OK && gh_model_scan_end(&scan) == GH_OK;
    json_auto_t *theirs = json_loadb(body.ptr, body.len, 0, NULL);
    CHECK(!ok || (names.named && names.count == 1 && gh_str_is(names.name[0], "m")));
    CHECK(!ok || gh_str_is(text_of(theirs, "model"), "m"));
    return ok;
}

TEST(model_bodies) {
    gh_auto(gh_arena_freep) struct gh_arena *all = gh_arena_new(1 << 24);
    struct gh_str rest = vectors_text(all, "json/cases.jsonl"), line;
    unsigned counts[2] = { 0 }, wrong = 0;
    while (gh_str_cut(&rest, '\n', &line)) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 22);
        json_auto_t *row = json_loadb(line.ptr, line.len, 0, NULL);
        struct gh_str verdict = text_of(row, "verdict"), name = text_of(row, "name");
        bool got = passes_in_a_body(a, row), has_null = memmem(name.ptr, name.len, "null_", 5),
             bad = gh_str_is(verdict, "n") ? got : gh_str_is(verdict, "y") && got == has_null;
        counts[got]++;
        wrong += bad;
        if (bad)
            print_error("%.*s: %s in a body\n", GH_STR_FMT(name), got ? "accepted" : "refused");
    }
    printf("json in a body: %u accepted, %u refused, %u wrong\n", counts[1], counts[0], wrong);
    CHECK(wrong == 0 && counts[0] + counts[1] == 340);
}

/* The file's own escapes: \xHH is one byte. */
static struct gh_str unescape(struct gh_arena *a, struct gh_str s) {
    char *out = gh_arena_alloc(a, s.len + 1);
    size_t len = 0;
    CHECK(out);
    for (size_t i = 0; i < s.len; i++) {
        bool escape = s.ptr[i] == '\\' && i + 3 < s.len + 0 && s.ptr[i + 1] == 'x';
        if (escape) {
            out[len++] = bytes_of_hex(a, (struct gh_str){ s.ptr + i + 2, 2 }).ptr[0];
            i += 3;
        } else
            out[len++] = s.ptr[i];
    }
    return (struct gh_str){ out, len };
}

/* What we let pass and the policy calls ambiguous must at least not step out of /public/ or /admin/. */
TEST(path_cases) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 24);
    struct gh_str rest = vectors_text(a, "paths/paths.txt"), line, verdict, class;
    unsigned accepts[3] = { 0 }, refusals[3] = { 0 }, wrong = 0;
    while (gh_str_cut(&rest, '\n', &line)) {
        if (line.len == 0 || line.ptr[0] == '#' || !gh_str_cut(&line, '\t', &verdict) ||
            !gh_str_cut(&line, '\t', &class))
            continue;
        struct gh_str path, query;
        bool got = gh_target_check(unescape(a, line), &path, &query) == GH_OK;
        int kind = verdict.ptr[0] == 'A' ? 0 : verdict.ptr[0] == 'R' ? 1 : 2;
        *(got ? &accepts[kind] : &refusals[kind]) += 1;
        if ((kind == 0 && !got) || (kind == 1 && got)) {
            wrong++;
            print_error("%.*s %.*s\n", GH_STR_FMT(verdict), GH_STR_FMT(line));
        }
    }
    printf("paths: A %u accepted, R %u refused, S %u refused and %u passed on, %u wrong\n", accepts[0],
           refusals[1], refusals[2], accepts[2], wrong);
    CHECK(wrong == 0 && accepts[0] == 15 && refusals[1] == 103 && accepts[2] + refusals[2] == 122);
}

static void check_base64(struct gh_arena *a, const json_t *row) {
    bool is_text = json_object_get(row, "text");
    struct gh_str bytes = is_text ? text_of(row, "text") : bytes_of_hex(a, text_of(row, "hex")), text, again;
    CHECK(gh_b64url_encode(a, bytes, &text) == GH_OK && gh_str_eq(text, text_of(row, "base64url_nopad")));
    CHECK(gh_b64url_decode(a, text, &again) == GH_OK && gh_str_eq(again, bytes));
    if (!is_text)
        return;
    CHECK(gh_b64_encode(a, bytes, &text) == GH_OK && gh_str_eq(text, text_of(row, "base64")));
    CHECK(gh_b64_decode(a, text, &again) == GH_OK && gh_str_eq(again, bytes));
}

static void check_basic(struct gh_arena *a, const json_t *row) {
    struct gh_str user, password, text;
    if (json_object_get(row, "form_urlencoded")) {
        CHECK(gh_percent_decode(a, text_of(row, "form_urlencoded"), true, &text) == GH_OK);
        CHECK(gh_str_eq(text, text_of(row, "text")));
        return;
    }
    struct gh_str value = gh_arena_printf(a, "Basic %.*s", GH_STR_FMT(text_of(row, "basic")));
    CHECK(gh_basic_parse(a, value, &user, &password) == GH_OK);
    CHECK(gh_str_eq(user, text_of(row, "user")) && gh_str_eq(password, text_of(row, "password")));
}

/* The tables of RFC 4648 10, RFC 7515 C and RFC 7617 2. */
TEST(base64_and_basic_of_the_rfcs) {
    json_t *rfc = vectors_json("jose/rfc.json"), *set, *row;
    size_t i, j, checked = 0;
    json_array_foreach(member_of(rfc, "sets"), i, set) {
        bool base64 = gh_str_is(text_of(set, "set"), "base64"),
             basic = gh_str_is(text_of(set, "set"), "client_auth");
        json_array_foreach(member_of(set, "cases"), j, row) {
            gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 16);
            checked += base64 || basic;
            if (base64)
                check_base64(a, row);
            else if (basic)
                check_basic(a, row);
        }
    }
    json_decref(rfc);
    CHECK(checked == 12);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(json_cases), cmocka_unit_test(model_bodies),
                                        cmocka_unit_test(path_cases),
                                        cmocka_unit_test(base64_and_basic_of_the_rfcs) };
    vectors_or_skip();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
