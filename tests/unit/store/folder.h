/* tests/unit/store/folder.h - a store in a new folder, gone after the test. */
#pragma once
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"
#include "tests/check.h"

static char folder[64], database[96];

static inline void folder_make(void) {
    strcpy(folder, "/tmp/gh-store-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(database, sizeof database, "%s/tenant.db", folder);
}

static inline void folder_remove(void) {
    char path[512];
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    closedir(d);
    CHECK(rmdir(folder) == 0);
}

static inline struct gh_store *store_open(void) {
    struct gh_store *s = NULL;
    char why[256];
    enum gh_err e = gh_store_open(database, &s, why);
    if (e)
        print_error("%s\n", why);
    CHECK(e == GH_OK);
    return s;
}

static inline long long children_count(struct gh_db *db) {
    struct gh_rows rows;
    bool has_row = false;
    CHECK(gh_db_query(db, GH_SQL_CHILDREN_COUNT, NULL, 0, &rows) == GH_OK);
    CHECK(gh_rows_next(&rows, &has_row) == GH_OK && has_row);
    long long n = gh_rows_int(&rows, 0);
    gh_rows_end(&rows);
    return n;
}

static inline enum gh_err child_insert(struct gh_db *db, struct gh_str id, struct gh_str parent,
                                       long long size) {
    return gh_db_run(
        db, GH_SQL_CHILD_INSERT,
        GH_BINDS(GH_INT("size", size), GH_TEXT("id", id), GH_TEXT("parent_id", parent), GH_NULL("note")),
        NULL);
}
