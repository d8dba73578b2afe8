/* stack/engine/crowd.h - what goes with many users who are to be deleted, with few requests: their linked
 * identities by a search (live_users.h), their memberships from the member lists of the organizations. */
#pragma once
#include "stack/engine/api.h"

struct gh_crowd;

/* `ids`: the users' ids as keys, in the order of their deletion; borrowed. NULL when they are few, so that
 * each is asked for by itself, and when out of memory. All functions take NULL. */
struct gh_crowd *gh_crowd_new(struct gh_api *api, const json_t *ids);
void gh_crowd_free(struct gh_crowd *c);

/* Lists the members of all organizations anew. False when that would take more requests than there are users,
 * and when a list could not be read: then nothing is known of anybody's memberships. */
bool gh_crowd_list(struct gh_crowd *c);

/* From now on memberships are not known, and users are searched anew. */
void gh_crowd_unlist(struct gh_crowd *c);

/* The organizations (ids as keys) of one of these users. Borrowed; NULL: not known, ask. */
const json_t *gh_crowd_memberships(const struct gh_crowd *c, const char *id);

/* The user as a search has it that was made since the last gh_crowd_list or gh_crowd_unlist, with up to
 * ninety-nine more. New reference; NULL: not known, ask. */
json_t *gh_crowd_user(struct gh_crowd *c, const char *id);
