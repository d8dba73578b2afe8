/* core/model_scan.h - finds the models that a JSON body names, in whatever pieces it comes; allocates
 * nothing, and looks at each byte once. What it accepts, Python, JavaScript and jansson read alike (RFC 8259,
 * strict), and where it looks for names no member is there twice or in another spelling. What it cannot
 * decide is AMBIGUOUS_BODY.
 *
 * It looks at the outermost object, at the members of it that proxies merge or route by (model_names.h), and
 * at the elements of `tools`. The prompt may hold whatever it likes. */
#pragma once
#include <stdint.h>

#include "core/json_scalar.h"
#include "core/model_names.h"

struct gh_model_scan {
    struct gh_model_names *names;
    enum gh_err err; /* sticky */

    uint64_t objects; /* a bit for each open container: 1 for an object */
    uint8_t state, depth;
    uint8_t coming;                           /* what the value to come is to us */
    uint8_t roles[GH_LIMIT_MODEL_LEVELS + 1]; /* what we look for in the open containers of depth 1, 2, ... */
    uint16_t first[GH_LIMIT_MODEL_LEVELS + 1]; /* where the names of each begin in `seen` */
    uint8_t has_model;                         /* a bit for each of these */
    uint16_t seen_count;
    uint64_t seen[GH_LIMIT_MODEL_MEMBERS]; /* hashes of member names: a wrong hit only refuses */

    bool is_text, is_key; /* the scalar that is read */
    struct gh_json_scalar scalar;
};

/* `names` is emptied, and filled until the end. */
void gh_model_scan_begin(struct gh_model_scan *s, struct gh_model_names *names);
enum gh_err gh_model_scan_feed(struct gh_model_scan *s, struct gh_str bytes);
/* OK when exactly one object was there. That it names a model is for the caller to ask. */
enum gh_err gh_model_scan_end(struct gh_model_scan *s);
