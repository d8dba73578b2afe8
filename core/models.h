/* core/models.h - names of AI models: which are names, and what a list or a token allows. Bytes count: no
 * case folding, no other spelling. */
#pragma once
#include "core/claims.h"
#include "core/str.h"

/* Letters, digits and - . _ : / @ + = ~ | without "..", "//" and "/" at an end: a name that an upstream may
 * put into a path, a list or a shell of its own without meaning another. At most GH_LIMIT_MODEL_NAME bytes.
 */
bool gh_model_name_ok(struct gh_str name);

/* A pattern is a name, or a beginning of names with '*' behind it; "*" alone is every name. A '*' anywhere
 * else matches nothing. False for what is no name. */
bool gh_model_matches(struct gh_str pattern, struct gh_str name);

/* Patterns parted by commas and blanks, as an organization's metadata `ai_models` has them. An empty list
 * allows nothing. */
bool gh_model_list_allows(struct gh_str list, struct gh_str name);

/* By a permission "model:" and a pattern. */
bool gh_claims_allow_model(const struct gh_claims *claims, struct gh_str name);
