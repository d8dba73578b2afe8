/* follow/organizations.h - what the gateway must know of a tenant that does not tell its changes (a real
 * Auth0 tenant): organizations and APIs, read whole through its Management API. */
#pragma once
#include <pthread.h>

#include "feed/feed.h"
#include "follow/machine.h"

#define GH_ORGANIZATIONS_MAX 100000 /* of one tenant; more is TOO_LARGE */

struct gh_organizations; /* those of the last reading */

/* `known_file`: their ids, so that one which is deleted while we are away is missed. NULL when out of memory.
 */
struct gh_organizations *gh_organizations_new(const char *known_file);
void gh_organizations_free(struct gh_organizations *o);

/* One reading: metadata `ai_models` and the permissions `model:...` become facts; an organization that is
 * gone since the last reading gets the epoch `now`. Nothing is written before all was read. `why` for a log.
 * As gh_machine_get, MALFORMED, FEED. */
enum gh_err gh_organizations_read(struct gh_organizations *o, struct gh_machine *m,
                                  struct gh_feed_writer *feed, pthread_mutex_t *lock, struct gh_str issuer,
                                  long long now, char why[256]);

/* A page of a list as Auth0 answers it; `next` is the cursor of the next one, empty on the last. */
struct gh_page_item {
    struct gh_str name; /* id of an organization, identifier of an API */
    struct gh_str text; /* the fact; ptr NULL: none */
};
struct gh_page {
    struct gh_page_item *items;
    size_t count;
    struct gh_str next;
};
enum gh_page_kind { GH_PAGE_ORGANIZATIONS, GH_PAGE_APIS };
enum gh_err gh_page_parse(struct gh_arena *a, enum gh_page_kind kind, struct gh_str json,
                          struct gh_page *ret);
