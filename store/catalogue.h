/* store/catalogue.h - every SQL text of the program, named. The rows are made at build time by catalogue.py
 * from store/catalogue/ (statements) and store/migrations/ (schema); see docs/internals/store.md. */
#pragma once
#include <stddef.h>

#include "catalogue.gen.h" /* enum gh_sql, up to GH_SQL_COUNT */

struct gh_statement {
    const char *name, *text;
    const char *const *params; /* without the '$', in order of first appearance: the n-th is SQLite's n + 1 */
    unsigned param_count;
};
extern const struct gh_statement gh_catalogue[GH_SQL_COUNT];

/* Version 0 is the version table itself and is run at every start; each other one runs once, in a transaction
 * of its own. */
struct gh_migration {
    int version;
    const char *name, *text;
};
extern const struct gh_migration gh_migrations[];
extern const size_t gh_migration_count;
