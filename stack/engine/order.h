/* stack/engine/order.h - what must exist before what, where no reference in the program says so. The
 * evaluator adds these edges to those of references and dependsOn. They order, no more: a failed resource
 * does not make those behind such an edge fail, and an edge that would close a cycle is left out. */
#pragma once
#include <stdbool.h>

/* Must every resource of `type` come after every resource of `other`? Canonical tokens. By type and not by
 * value: the same API may be named by a reference here and by its text there. */
bool gh_domain_after(const char *type, const char *other);
