/* stack/engine/provider.h - how each resource type lives in the Management API: one row per type. What the
 * schema tables know (names, types, replacement, secrets) is not repeated here. */
#pragma once
#include <jansson.h>

#include "core/buf.h"
#include "core/err.h"
#include "stack/schema.h"

enum gh_kind {
    GH_KIND_OBJECT, /* has an id of its own */
    GH_KIND_LINK,   /* one element of a parent's collection: a member, a connection of an organization */
    GH_KIND_SET,    /* all elements of a parent's collection, authoritative */
    GH_KIND_FACET,  /* some fields of an object that another resource makes */
    GH_KIND_ELEMENT /* one element of a parent's collection beside others that are none of our business */
};

enum gh_paging { GH_PAGING_NONE, GH_PAGING_PAGE, GH_PAGING_CHECKPOINT };

struct gh_parent {
    const char *property, *token; /* this property names an object of that type, by id or natural key */
};

struct gh_provider {
    const char *token;
    enum gh_kind kind;
    const char *list;      /* path template of the collection: read in bulk, POST creates */
    const char *query;     /* of that reading: what the items shall hold beyond what they hold anyway */
    const char *items;     /* the member of a list reply that holds the items */
    enum gh_paging paging; /* how the collection is read beyond its first page */
    const char
        *object; /* path template of one: GET, PATCH, DELETE. NULL: DELETE on the collection, with a body */
    bool no_get; /* the path of one has no GET: it is found in its list */
    const char *id;             /* the API's name of the id, or a template: "{organizationId}::{userId}" */
    const char *keys[3];        /* natural key: inputs that together find an existing object */
    bool key_repeats;           /* several objects may share the natural key (client names) */
    bool autonamed;             /* without `name` it gets one made of the logical name, as with Pulumi */
    const char *create_only[4]; /* inputs that no update may carry, beyond the schema's replaceOnChanges */
    const char *write_only[4];  /* inputs that no reply shows: compared with the ledger */
    const char *unserved[6];    /* inputs that need calls which this engine does not make yet: refused */
    const char *child;          /* LINK: the input that tells the elements apart */
    const char *child_member;   /* LINK: its name in list items */
    const char *set;            /* SET: the input that holds the elements */
    const char *elements[2]; /* SET, ELEMENT: the members that identify an element in list items; one: plain
                                strings */
    const char
        *set_member; /* SET, ELEMENT: the member of a write body; NULL: a bare array of {…, "status": bool} */
    unsigned batch; /* SET: most elements of one write; LINK: most links of one POST, which adds */
    const char
        *each; /* SET: the path of one element, which has fields of its own: POST, PATCH, DELETE of each */
    const char *part[2];    /* ELEMENT: the inputs that are its `elements`. Without `list`: it is one of the
                               `items`    of `object`, which are written together */
    struct gh_parent shows; /* outputs that the reply has not are this object's */
    const char *inside[3];  /* SET: {type, input, member}: the elements are also the `member` of that item of
                               the type's list that the input names */
    struct gh_parent dies_with; /* deleting that object deletes this: no call of its own */
};

/* NULL: the type is known to the schema, perhaps, but its operations are not. */
const struct gh_provider *gh_provider_find(const char *token);
size_t gh_provider_count(void);
const struct gh_provider *gh_provider_at(size_t i);

/* Fills {id} and {input} with percent-encoded values (`encode`) or as they are (composite ids). MALFORMED
 * when one is missing, empty or no plain string (unknown, say). */
enum gh_err gh_provider_expand(const char *template, const char *id, const json_t *inputs, bool encode,
                               struct gh_buf *ret);

/* Does the template have a hole of that name? Such inputs travel in the path, not in the body. */
bool gh_provider_in_path(const char *template, const char *name);
bool gh_provider_lists(const char *const *names, size_t count, const char *name); /* is it among them? */

/* What a field that is no longer declared goes back to. `api` is the top-level name in the API. False: it
 * cannot be taken back (a client's app_type), what is there stays. *ret is new. */
bool gh_provider_reset(const struct gh_provider *p, const char *api, json_t **ret);

/* PATCH merges the first level of this object and deletes by null; others are replaced as a whole. */
bool gh_provider_merges(const struct gh_provider *p, const char *api);
