/* stack/engine/urn.h - Pulumi's names for resources: urn:pulumi:STACK::PROJECT::[PARENTTYPE$…]TYPE::NAME
 * (sdk/go/common/resource/urn). Pure views. */
#pragma once
#include "core/str.h"

struct gh_urn {
    struct gh_str stack, project, type, name; /* the type without those of the parents */
};

/* False when it is none. The name may hold "::". */
bool gh_urn_parse(struct gh_str text, struct gh_urn *ret);

/* Does somebody who wrote `text` - a name, or a whole URN - mean this resource? */
bool gh_urn_means(const char *text, const char *stack, const char *project, const char *type,
                  const char *name);
