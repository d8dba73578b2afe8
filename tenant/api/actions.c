/* tenant/api/actions.c - the list of Actions. A tenant that runs no customers' JavaScript has none, and says
 * so: the Deploy CLI reads this list before it reads or writes any database connection, and gives up on both
 * when refused. */
#include "tenant/api/collection.h"

/* Zero totals are left out (recorded: go-auth0/later, terraform/later/TestAccDataSourceAction). */
enum gh_err gh_actions_list(struct gh_db *db, struct gh_call *c) {
    struct gh_str asked;
    json_int_t size = gh_request_query(c->x, "per_page", &asked) ? (json_int_t)c->paging.size : 20;
    return gh_call_answer(c, json_pack("{s:[], s:I}", "actions", "per_page", size));
}
