/* tenant/login/visit.h - one request to a sign-in page: its transaction, and what the page is drawn from. */
#pragma once
#include "tenant/login/page.h"
#include "tenant/login/session.h"
#include "tenant/login/transaction.h"

struct gh_visit {
    struct gh_transaction transaction;
    const struct gh_param *params; /* of the form; none for GET */
    size_t count;
    json_t *client, *organization; /* owned; organization may be NULL */
};
void gh_visit_release(struct gh_visit *v); /* also the gh_auto function */

/* Reads and checks it: the form's `state` (the query's for GET) belongs to a transaction of this browser, and
 * a POST comes from our own page. False when a page was sent that says so. */
bool gh_visit_open(struct gh_exchange *x, struct gh_visit *ret);
struct gh_str gh_visit_param(const struct gh_visit *v, const char *name); /* empty when absent */

/* For the pages after the sign-in: the browser's session, whose user must be the one that the transaction
 * names. NOT_FOUND; STORAGE, NOMEM. */
enum gh_err gh_visit_session(struct gh_exchange *x, const struct gh_visit *v, struct gh_session *ret);

/* Draws the page with state, client_name, and `error` (may be NULL). `data` is taken. */
void gh_visit_page(struct gh_exchange *x, const struct gh_visit *v, int status, enum gh_page page,
                   json_t *data, const char *error);

/* "This sign-in is over": an old form, another browser, a second click. */
void gh_visit_gone(struct gh_exchange *x);
