/* stack/engine/unserved.h - why a type or a lookup that the schema knows is not applied. Every one of them
 * has a row here or a way to be applied, never both: a unit test keeps it so. */
#pragma once

/* The operation of the Management API that it would need first, "POST /actions/actions", and that our tenant
 * does not serve; NULL when it is applied. `token` is canonical, of a resource or a function. */
const char *gh_unserved_operation(const char *token);
