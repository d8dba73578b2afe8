/* tenant/contract/contract.h - the Management API as data: operations, parameters, body schemas. The tables
 * are generated (generate.py) from management.json with the rows of corrections.json; they refer to each
 * other by index. Here is also what decides on them: the path matcher and the validator, whose words are
 * those of z-schema, as Auth0 answers them. */
#pragma once
#include <jansson.h>

#include "contract_operations.h" /* generated: enum gh_op */
#include "core/buf.h"
#include "core/err.h"
#include "tenant/exchange.h"

enum gh_type {
    GH_TYPE_NULL,
    GH_TYPE_BOOLEAN,
    GH_TYPE_INTEGER,
    GH_TYPE_NUMBER,
    GH_TYPE_STRING,
    GH_TYPE_ARRAY,
    GH_TYPE_OBJECT,
};

enum { GH_SCHEMA_NONE = -1, GH_SCHEMA_CLOSED = -2 };

/* The x_count rows of table x that start at x. Lengths and counts are stored plus one: 0 is "no limit". */
struct gh_schema {
    unsigned char types; /* a bit per enum gh_type; 0 = any */
    unsigned char format, pattern;
    bool has_minimum, has_maximum;
    short items, additional; /* a schema, GH_SCHEMA_NONE; GH_SCHEMA_CLOSED refuses unknown members */
    unsigned short properties, properties_count, required, required_count, enums, enums_count;
    unsigned short any, any_count, one, one_count;
    unsigned short min_length, max_length, min_items, max_items, min_properties, max_properties;
    long long minimum, maximum;
};

struct gh_property {
    const char *name; /* sorted by bytes inside one schema */
    unsigned short schema;
};

struct gh_enum_value {
    enum gh_type type;
    long long number;
    const char *text;
};

struct gh_parameter {
    const char *name;
    unsigned short schema;
    bool array, required;
};

enum gh_paging_kind { GH_PAGING_NONE, GH_PAGING_PAGE, GH_PAGING_CHECKPOINT, GH_PAGING_BOTH };

struct gh_operation {
    const char *id, *path;
    enum gh_method method;
    bool served; /* false: known to the contract only, answered 403 insufficient_scope */
    bool body_required;
    enum gh_paging_kind paging;
    short body; /* a schema, or GH_SCHEMA_NONE */
    unsigned short success;
    unsigned short any, any_count, all, all_count; /* scopes: one of `any` and every one of `all` */
    unsigned short path_parameters, path_parameters_count, query, query_count;
};

/* One path segment. Children lie side by side: literals sorted by bytes, a parameter (empty segment) last.
 * `operations` holds an operation's index plus one. */
struct gh_path_node {
    const char *segment;
    unsigned short first, count;
    unsigned short operations[GH_METHOD_OTHER];
};

extern const struct gh_schema gh_contract_schemas[];
extern const struct gh_property gh_contract_properties[];
extern const char *const gh_contract_names[];
extern const struct gh_enum_value gh_contract_enums[];
extern const unsigned short gh_contract_refs[];
extern const struct gh_parameter gh_contract_parameters[];
extern const struct gh_operation gh_contract_operations[GH_OP_COUNT];
extern const struct gh_path_node gh_contract_nodes[];

/* Finds the operation of a raw path below /api/v2/ ("roles/rol_…"): segments are compared and cut out as they
 * came, args (at most 8) are views still encoded. NULL when there is no such path; *other_method when the
 * path is known but not with this method. */
const struct gh_operation *gh_contract_match(enum gh_method method, struct gh_str path, struct gh_str args[8],
                                             size_t *arg_count, bool *other_method);

/* What is wrong, in z-schema's words: "'Expected type …' on property a.b[0].c", joined by " (also) ". Empty
 * when all is well. At most GH_CONTRACT_TROUBLES of them; BUF_FAILED shows in why->failed. */
#define GH_CONTRACT_TROUBLES 16

/* True when the value satisfies the schema; else `why` holds the troubles. */
bool gh_contract_check(short schema, const json_t *value, struct gh_buf *why);

/* The same for the text of a path or query parameter, which is first read as the type its schema wants. */
bool gh_contract_check_text(const struct gh_parameter *p, struct gh_str text, struct gh_buf *why);

/* Every parameter known, needed ones there, repeated ones only where an array is declared. */
bool gh_contract_check_query(const struct gh_operation *op, const struct gh_param *query, size_t count,
                             struct gh_buf *why);

/* The functions behind `format` and `pattern`; number 0 accepts everything. */
bool gh_contract_format(unsigned number, struct gh_str text);
bool gh_contract_pattern(unsigned number, struct gh_str text);
const char *gh_contract_format_name(unsigned number);
const char *gh_contract_pattern_text(unsigned number);
