/* The live tree, without a terminal. */
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "stack/engine/tree_frame.h"
#include "tests/check.h"

static void rows_of(struct gh_tree_rows *rows) {
    size_t root = gh_tree_rows_add(rows, 0, "pulumi:pulumi:Stack", "p-dev");
    size_t team = gh_tree_rows_add(rows, root, "my:index:Team", "red");
    size_t inner = gh_tree_rows_add(rows, team, "my:index:Seat", "one");
    size_t role = gh_tree_rows_add(rows, inner, "auth0:index:Role", "r");
    size_t last = gh_tree_rows_add(rows, root, "auth0:index:Client", "app");
    CHECK(gh_tree_rows_add(rows, team, "auth0:index:User", "ada") == 5);
    rows->list[role] = (struct gh_tree_row){ .type = rows->list[role].type,
                                             .name = rows->list[role].name,
                                             .glyph = "+",
                                             .colour = "\033[32m",
                                             .word = "created",
                                             .began = 1000000000,
                                             .ended = 1250000000,
                                             .parent = inner,
                                             .next = GH_TREE_NONE,
                                             .first = GH_TREE_NONE,
                                             .last = GH_TREE_NONE,
                                             .stamp = rows->list[role].stamp,
                                             .info = strdup("[diff: ~name]") };
    rows->list[last].word = "updating";
    rows->list[last].glyph = "~";
    rows->list[last].began = 1000000000;
}

TEST(components_hold_their_resources) {
    struct gh_tree_rows rows = { 0 };
    gh_auto(gh_buf_release) struct gh_buf frame = gh_buf_make(65536);
    rows_of(&rows);
    gh_tree_frame(&rows, &(struct gh_tree_look){ .width = 100, .now = 3500000000 }, &frame, NULL);
    CHECK(!frame.failed);
    static const char want[] = "    Type                       Name   Status\n"
                               "    pulumi:pulumi:Stack        p-dev  \n"
                               "    ├─ my:index:Team           red    \n"
                               "    │  ├─ my:index:Seat        one    \n"
                               " +  │  │  └─ auth0:index:Role  r      created (0.25s)    [diff: ~name]\n"
                               "    │  └─ auth0:index:User     ada    \n"
                               " ~  └─ auth0:index:Client      app    updating (2s)..\n";
    CHECK_ROW(frame.ptr, strcmp(frame.ptr, want) == 0);
    gh_tree_rows_release(&rows);
}

/* Columns of a line of ours: branches and "…" are one each. */
static unsigned columns(const char *line, size_t len) {
    unsigned n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)line[i] & 0xc0) != 0x80;
    return n;
}

TEST(no_line_is_wider_than_the_terminal_nor_are_there_more_than_its_height) {
    struct gh_tree_rows rows = { 0 };
    char name[64];
    size_t root = gh_tree_rows_add(&rows, 0, "pulumi:pulumi:Stack", "p-dev");
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "name-%u-%s", i, i % 7 == 0 ? "with\033[2Jcontrol\x7f\n" : "é");
        size_t row = gh_tree_rows_add(&rows, root, "auth0:index:OrganizationMemberRoles", name);
        rows.list[row].word = "releasing";
        rows.list[row].began = 1;
        rows.list[row].info = strdup("[diff: ~a,~b,~c]");
    }
    for (unsigned width = 1; width < 130; width++)
        for (unsigned height = 1; height < 50; height++) {
            gh_auto(gh_buf_release) struct gh_buf frame = gh_buf_make(1 << 20), widths = gh_buf_make(4096);
            gh_tree_frame(&rows, &(struct gh_tree_look){ .width = width, .height = height, .now = 9 }, &frame,
                          &widths);
            CHECK(!frame.failed && !strchr(frame.ptr, '\033') && !strchr(frame.ptr, '\x7f'));
            size_t lines = 0;
            for (char *at = frame.ptr, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
                unsigned said;
                memcpy(&said, widths.ptr + lines * sizeof said, sizeof said);
                unsigned is = columns(at, (size_t)(end - at));
                CHECK(is == said && is <= (width > 2 ? width - 1 : 1));
            }
            CHECK(lines * sizeof(unsigned) == widths.len);
            CHECK(lines < height || lines == 3); /* heading, root, "and more": there is no less */
            if (height > 10 && height < 40 && width > 100)
                CHECK(strstr(frame.ptr, "name-39") && !strstr(frame.ptr, "name-1-") &&
                      strstr(frame.ptr, " more\n"));
        }
    gh_tree_rows_release(&rows);
}

TEST(what_was_touched_last_stays_on_a_low_terminal) {
    struct gh_tree_rows rows = { 0 };
    char name[32];
    gh_auto(gh_buf_release) struct gh_buf frame = gh_buf_make(65536), wide = gh_buf_make(65536);
    size_t root = gh_tree_rows_add(&rows, 0, "pulumi:pulumi:Stack", "p");
    for (unsigned i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "n%02u", i);
        gh_tree_rows_add(&rows, root, "T", name);
    }
    gh_tree_rows_touch(&rows, 4); /* n03 */
    gh_tree_frame(&rows, &(struct gh_tree_look){ .width = 80, .height = 8 }, &frame, NULL);
    CHECK(strstr(frame.ptr, "n03") && strstr(frame.ptr, "n29") && !strstr(frame.ptr, "n04"));
    CHECK(strstr(frame.ptr, "… and 26 more"));
    rows.list[4].info = strdup("日本語"); /* two columns each: one of three fits, and the "…" */
    gh_tree_frame(&rows, &(struct gh_tree_look){ .width = 41, .height = 8 }, &wide, NULL);
    CHECK_ROW(wide.ptr, strstr(wide.ptr, "日…\n") != NULL);
    gh_tree_rows_release(&rows);
}

GH_TESTS(components_hold_their_resources,
         no_line_is_wider_than_the_terminal_nor_are_there_more_than_its_height,
         what_was_touched_last_stays_on_a_low_terminal)
