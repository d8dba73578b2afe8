/* tenant/login/usable.h - through which connections may people sign in here? A connection counts when the
 * client has it and, with an organization, the organization enables it (rule 4). Database connections only,
 * so far. */
#pragma once
#include "core/arena.h"
#include "store/store.h"

#define GH_USABLE_MAX 32 /* connections looked at for one sign-in */

struct gh_usable {
    struct gh_str id, name;
    bool assigns_membership; /* who signs in through it becomes a member of the organization */
};

struct gh_usable_list {
    struct gh_usable items[GH_USABLE_MAX];
    size_t count;
};

/* In the order of their making. `only` (an id) may be empty: all. */
enum gh_err gh_usable_connections(struct gh_db *db, struct gh_arena *a, struct gh_str client_id,
                                  struct gh_str organization_id, struct gh_str only,
                                  struct gh_usable_list *ret);
