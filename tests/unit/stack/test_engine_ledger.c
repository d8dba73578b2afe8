#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "stack/engine/ledger.h"
#include "stack/engine/seal.h"
#include "stack/value.h"
#include "sys/file.h"
#include "tests/check.h"

#define BLANK "{\"version\":1,\"resources\":[],\"pending\":[],\"outputs\":{}}"
#define ENTRY(name, id) "{\"name\":\"" name "\",\"type\":\"t\",\"id\":\"" id "\",\"inputs\":{}}"

TEST(only_a_ledger_is_a_ledger) {
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        { BLANK, true },
        { "{\"version\":1,\"resources\":[" ENTRY("a", "1") "],\"pending\":[],\"outputs\":{}}", true },
        { "", false },
        { "[]", false },
        { "{\"version\":2,\"resources\":[],\"pending\":[],\"outputs\":{}}", false },
        { "{\"version\":1,\"resources\":{},\"pending\":[],\"outputs\":{}}", false },
        { "{\"version\":1,\"resources\":[],\"outputs\":{}}", false },
        { "{\"version\":1,\"resources\":[{\"name\":\"a\"}],\"pending\":[],\"outputs\":{}}", false },
        { "{\"version\":1,\"resources\":[7],\"pending\":[],\"outputs\":{}}", false },
        { "{\"version\":1,\"resources\":[],\"pending\":[{\"name\":\"a\"}],\"outputs\":{}}", false },
        { "{\"version\":1,\"version\":1,\"resources\":[],\"pending\":[],\"outputs\":{}}", false },
        { BLANK "x", false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        json_t *document = NULL;
        CHECK_ROW(rows[i].text,
                  (gh_ledger_parse(gh_str_from(rows[i].text), &document) == GH_OK) == rows[i].good);
        json_decref(document);
    }
}

TEST(a_journal_tells_what_happened_up_to_where_it_was_cut_off) {
    static const struct {
        const char *journal;
        const char *ids; /* of the resources, in order */
        size_t pending;
    } rows[] = {
        { "", "", 0 },
        { "{\"intent\":{\"name\":\"a\",\"type\":\"t\"}}\n", "", 1 },
        { "{\"intent\":{\"name\":\"a\",\"type\":\"t\"}}\n{\"put\":" ENTRY("a", "1") "}\n", "1", 0 },
        { "{\"intent\":{\"name\":\"a\",\"type\":\"t\"}}\n{\"put\":" ENTRY("a", "1") "}", "",
          1 }, /* no newline */
        { "{\"intent\":{\"name\":\"a\",\"type\":\"t\"}}\n{\"forget\":{\"name\":\"a\",\"type\":\"t\"}}\n", "",
          0 },
        { "{\"put\":" ENTRY("a", "1") "}\n{\"put\":" ENTRY(
              "b", "2") "}\n{\"drop\":{\"name\":\"a\",\"type\":\"t\",\"id\":\"1\"}}\n",
          "2", 0 },
        { "{\"put\":" ENTRY("a", "1") "}\n{\"put\":" ENTRY("a", "2") "}\n", "2", 0 }, /* takes its place */
        { "{\"put\":" ENTRY("a", "1") "}\n{\"drop\":{\"name\":\"a\",\"type\":\"t\",\"id\":\"9\"}}\n", "1",
          0 },
        /* a replacement: the old one stays until it is deleted */
        { "{\"put\":" ENTRY("a", "1") "}\n{\"put\":{\"name\":\"a\",\"type\":\"t\",\"id\":\"1\",\"inputs\":{},"
                                      "\"replaced\":true}}\n"
                                      "{\"put\":" ENTRY("a", "2") "}\n",
          "12", 0 },
        /* a new name; what comes to bear the old one is another, also when all is replayed twice */
        { "{\"put\":" ENTRY("a", "1") "}\n{\"rename\":{\"name\":\"a\",\"type\":\"t\",\"to\":\"b\"}}\n"
                                      "{\"put\":" ENTRY("b", "1") "}\n{\"put\":" ENTRY("a", "2") "}\n",
          "12", 0 },
        { "{\"intent\":{\"name\":\"a\",\"type\":\"t\"}}\n"
          "{\"rename\":{\"name\":\"a\",\"type\":\"t\",\"to\":\"b\"}}\n{\"put\":" ENTRY("b", "1") "}\n",
          "1", 0 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        json_t *document = NULL, *entry;
        char ids[16] = "";
        size_t k;
        CHECK(gh_ledger_parse(GH_STR(BLANK), &document) == GH_OK);
        /* twice: a crash between saving the ledger and removing the journal */
        for (int times = 0; times < 2; times++)
            CHECK_ROW(rows[i].journal, gh_ledger_replay(document, gh_str_from(rows[i].journal)) == GH_OK);
        json_array_foreach(json_object_get(document, "resources"), k, entry)
            strcat(ids, json_string_value(json_object_get(entry, "id")));
        CHECK_ROW(rows[i].journal, strcmp(ids, rows[i].ids) == 0);
        CHECK_ROW(rows[i].journal, json_array_size(json_object_get(document, "pending")) == rows[i].pending);
        json_decref(document);
    }
}

TEST(a_line_that_is_none_is_refused) {
    static const char *const rows[] = { "x\n",
                                        "{}\n",
                                        "{\"put\":{\"name\":\"a\"}}\n",
                                        "{\"drop\":{\"name\":\"a\"}}\n",
                                        "{\"intent\":7}\n",
                                        "{\"rename\":{\"name\":\"a\",\"type\":\"t\"}}\n",
                                        "[]\n" };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        json_t *document = NULL;
        CHECK(gh_ledger_parse(GH_STR(BLANK), &document) == GH_OK);
        CHECK_ROW(rows[i], gh_ledger_replay(document, gh_str_from(rows[i])) == GH_ERR_MALFORMED);
        json_decref(document);
    }
}

static struct gh_diagnostics *diagnostics; /* the ledgers hold it; one for all tests */

static void remove_folder(const char *dir) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    CHECK(system(command) == 0);
}

static struct gh_ledger *opened(const char *dir, bool write, enum gh_err want) {
    struct gh_ledger *l = NULL;
    if (!diagnostics)
        diagnostics = gh_diagnostics_new();
    CHECK(gh_ledger_open(dir, "dev", write, diagnostics, &l) == want);
    return l;
}

TEST(a_ledger_survives_its_process_and_is_for_its_owner_alone) {
    char dir[] = "/tmp/gh-ledger-XXXXXX", path[64];
    struct stat st;
    CHECK(mkdtemp(dir));
    struct gh_ledger *l = opened(dir, true, GH_OK);
    CHECK(gh_ledger_is_new(l));
    json_t *entry = json_loads(ENTRY("a", "1"), 0, NULL),
           *intent = json_loads("{\"name\":\"b\",\"type\":\"t\"}", 0, NULL);
    CHECK(gh_ledger_put(l, entry) == GH_OK && gh_ledger_intent(l, intent) == GH_OK);
    opened(dir, true, GH_ERR_BUSY);
    gh_ledger_free(l); /* as a crash: nothing was saved but the journal */
    l = opened(dir, false, GH_OK);
    CHECK(gh_ledger_find(l, "t", "a") && gh_ledger_pending(l, "t", "b") && !gh_ledger_find(l, "t", "b"));
    gh_ledger_free(l);
    l = opened(dir, true, GH_OK);
    CHECK(gh_ledger_find(l, "t", "a") && gh_ledger_save(l, NULL) == GH_OK);
    snprintf(path, sizeof path, "%s/.gatehouse", dir);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
    snprintf(path, sizeof path, "%s/.gatehouse/dev.json", dir);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    snprintf(path, sizeof path, "%s/.gatehouse/dev.journal", dir);
    CHECK(!gh_file_exists(path));
    gh_ledger_free(l);
    json_decref(entry), json_decref(intent);
    remove_folder(dir);
}

TEST(a_new_name_is_on_disk_before_what_speaks_of_it) {
    char dir[] = "/tmp/gh-ledger-XXXXXX";
    CHECK(mkdtemp(dir));
    struct gh_ledger *l = opened(dir, true, GH_OK);
    json_t *entry = json_loads(ENTRY("a", "1"), 0, NULL), *other = json_loads(ENTRY("c", "3"), 0, NULL);
    CHECK(gh_ledger_put(l, entry) == GH_OK && gh_ledger_save(l, NULL) == GH_OK);
    CHECK(gh_ledger_rename(l, "t", "a", "b") == GH_OK);
    CHECK(gh_ledger_find(l, "t", "b") && !gh_ledger_find(l, "t", "a"));
    gh_ledger_free(l); /* a plan that nobody agreed to */
    l = opened(dir, true, GH_OK);
    CHECK(gh_ledger_find(l, "t", "a") && !gh_ledger_find(l, "t", "b"));
    CHECK(gh_ledger_rename(l, "t", "a", "b") == GH_OK && gh_ledger_put(l, other) == GH_OK);
    gh_ledger_free(l); /* as a crash */
    l = opened(dir, true, GH_OK);
    json_t *renamed = gh_ledger_find(l, "t", "b");
    CHECK(renamed && !gh_ledger_find(l, "t", "a") && gh_ledger_find(l, "t", "c"));
    CHECK(strcmp(json_string_value(json_object_get(renamed, "origin")), "a") == 0);
    gh_ledger_free(l);
    json_decref(entry), json_decref(other);
    remove_folder(dir);
}

TEST(the_ledger_is_kept_in_the_order_of_the_program) {
    char dir[] = "/tmp/gh-ledger-XXXXXX";
    CHECK(mkdtemp(dir));
    struct gh_ledger *l = opened(dir, true, GH_OK);
    static const char *const entries[] = { ENTRY("c", "3"), ENTRY("a", "1"), ENTRY("old", "9"),
                                           ENTRY("b", "2") };
    for (size_t i = 0; i < GH_COUNT(entries); i++) {
        json_t *entry = json_loads(entries[i], 0, NULL);
        CHECK(gh_ledger_put(l, entry) == GH_OK);
        json_decref(entry);
    }
    json_t *order = json_pack("[s, s, s]", "t::a", "t::b", "t::c"), *entry;
    char ids[8] = "";
    size_t i;
    CHECK(gh_ledger_save(l, order) == GH_OK);
    json_array_foreach(gh_ledger_resources(l), i, entry)
        strcat(ids, json_string_value(json_object_get(entry, "id")));
    CHECK(strcmp(ids, "9123") == 0);
    json_decref(order);
    gh_ledger_free(l);
    remove_folder(dir);
}

TEST(without_a_passphrase_a_secret_leaves_only_what_can_say_unchanged) {
    json_t *value =
        json_pack("{s:o, s:s}", "password", gh_value_secret(json_string("canary-1")), "name", "n");
    json_t *sealed = NULL, *again = NULL, *opened_ = NULL;
    CHECK(gh_ledger_seal(value, NULL, NULL, &sealed) == GH_OK &&
          gh_ledger_seal(value, sealed, NULL, &again) == GH_OK);
    CHECK(json_equal(sealed, again)); /* the same bytes, so that a second up writes nothing */
    char *text = json_dumps(sealed, 0);
    CHECK(!strstr(text, "canary"));
    free(text);
    json_t *one = json_object_get(sealed, "password"), *right = json_string("canary-1"),
           *wrong = json_string("canary-2");
    CHECK(gh_ledger_seal_is_lost(one) && gh_ledger_seal_matches(one, right, NULL) &&
          !gh_ledger_seal_matches(one, wrong, NULL));
    CHECK(gh_ledger_unseal(sealed, NULL, &opened_) == GH_OK &&
          gh_ledger_seal_is_lost(json_object_get(opened_, "password")));
    json_t *owned[] = { value, sealed, again, opened_, right, wrong };
    for (size_t i = 0; i < GH_COUNT(owned); i++)
        json_decref(owned[i]);
}

TEST(with_a_passphrase_it_comes_back_and_without_it_stays_closed) {
    gh_auto(gh_crypter_freep) struct gh_crypter *crypter = NULL;
    CHECK(gh_crypter_new(GH_STR("correct horse"), NULL, &crypter) == GH_OK);
    json_t *value = json_pack("{s:[o]}", "list", gh_value_secret(json_pack("{s:i}", "deep", 7)));
    json_t *sealed = NULL, *again = NULL, *opened_ = NULL, *closed = NULL;
    CHECK(gh_ledger_seal(value, NULL, crypter, &sealed) == GH_OK && gh_ledger_seal_needs_crypter(sealed));
    CHECK(gh_ledger_seal(value, sealed, crypter, &again) == GH_OK && json_equal(sealed, again));
    CHECK(gh_ledger_unseal(sealed, crypter, &opened_) == GH_OK && json_equal(opened_, value));
    CHECK(gh_ledger_unseal(sealed, NULL, &closed) == GH_ERR_UNSUPPORTED);
    json_decref(value), json_decref(sealed), json_decref(again), json_decref(opened_);
}

GH_TESTS(a_new_name_is_on_disk_before_what_speaks_of_it, only_a_ledger_is_a_ledger,
         a_journal_tells_what_happened_up_to_where_it_was_cut_off, a_line_that_is_none_is_refused,
         a_ledger_survives_its_process_and_is_for_its_owner_alone,
         the_ledger_is_kept_in_the_order_of_the_program,
         without_a_passphrase_a_secret_leaves_only_what_can_say_unchanged,
         with_a_passphrase_it_comes_back_and_without_it_stays_closed)
