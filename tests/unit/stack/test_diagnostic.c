#include "stack/diagnostic.h"
#include "tests/check.h"

static struct gh_diagnostics *with_one(struct gh_str source) {
    struct gh_diagnostics *d = gh_diagnostics_new();
    gh_diagnostics_source(d, "Pulumi.yaml", source);
    gh_diagnose(d, GH_SEVERITY_ERROR, (struct gh_position){ "Pulumi.yaml", 2, 3 }, "no %s", "roles");
    gh_diagnose_detail(d, "did you mean %s?", "role");
    return d;
}

TEST(a_diagnostic_shows_its_line_with_a_mark) {
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = with_one(GH_STR("a: 1\nb: 2\r\nc: 3"));
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(4096);
    gh_diagnostics_format(d, false, &out);
    assert_string_equal(out.ptr, "error: Pulumi.yaml:2,3: no roles; did you mean role?\n"
                                 "      2 | b: 2\n"
                                 "        |   ^\n");
    CHECK(gh_diagnostics_count(d, GH_SEVERITY_ERROR) == 1);
    CHECK(gh_diagnostics_count(d, GH_SEVERITY_WARNING) == 0);
}

TEST(escape_sequences_of_a_file_do_not_reach_the_terminal) {
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = with_one(GH_STR("a\nb\033]0;owned\a\n"));
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(4096);
    gh_diagnose(d, GH_SEVERITY_WARNING, (struct gh_position){ 0 }, "name \033[2J");
    gh_diagnostics_format(d, false, &out);
    CHECK(!memchr(out.ptr, '\033', out.len) && !memchr(out.ptr, '\a', out.len));
}

TEST(a_flood_is_counted_and_not_kept) {
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    for (int i = 0; i < 5000; i++) {
        gh_diagnose(d, GH_SEVERITY_ERROR, (struct gh_position){ 0 }, "error %d", i);
        gh_diagnose_detail(d, "detail %d", i);
    }
    CHECK(gh_diagnostics_count(d, GH_SEVERITY_ERROR) == 5000 && !gh_diagnostics_at(d, 1000));
    CHECK(gh_str_is(gh_diagnostics_at(d, 999)->detail, "detail 999"));
}

GH_TESTS(a_diagnostic_shows_its_line_with_a_mark, escape_sequences_of_a_file_do_not_reach_the_terminal,
         a_flood_is_counted_and_not_kept)
