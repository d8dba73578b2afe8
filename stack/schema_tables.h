/* stack/schema_tables.h - the generated tables, for schema.c alone. Each is sorted by its name in byte order.
 */
#pragma once
#include "stack/schema.h"

extern const struct gh_resource_type gh_schema_resources[], gh_schema_functions[];
extern const struct gh_object_type gh_schema_objects[];
extern const size_t gh_schema_resources_count, gh_schema_functions_count, gh_schema_objects_count;
