/* stack/language/remedy.h - what to write instead of a property that is not where people look for it. */
#pragma once
#include "core/str.h"

/* `type` is the short name of a resource type; camel or snake case. NULL: there is no advice. */
const char *remedy_find(const char *type, struct gh_str property);

/* <USER_ID> and its like: capitals, digits and '_' between angle brackets. */
bool remedy_is_placeholder(struct gh_str text);
