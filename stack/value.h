/* stack/value.h - values of a program as jansson documents in Pulumi's own wire form, so that YAML and the
 * language hosts speak alike: a secret is
 * {"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270","value":V}, an unknown is the string
 * "04da6b54-80e4-46f7-96ec-b56ff0331ba9" (Pulumi's sentinel for string-typed unknowns; we use it for all
 * types). */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

#define GH_SECRET_KEY "4dabf18193072939515e22adb298388d"
#define GH_SECRET_MARK "1b47061264138c4ac30d75fd1eb44270"
#define GH_UNKNOWN "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

json_t *gh_value_secret(json_t *plain /* stolen */);
json_t *gh_value_unknown(void);
bool gh_value_is_secret(const json_t *value);
bool gh_value_is_unknown(const json_t *value);
bool gh_value_has_unknown(const json_t *value); /* anywhere inside */
bool gh_value_has_secret(const json_t *value);
json_t *gh_value_reveal(json_t *value); /* borrowed: the plain value of a secret, else itself; one level */
json_t *gh_value_plain(json_t *value);  /* new: all secrets inside revealed */
json_t *gh_value_masked(json_t *value); /* new: all secrets inside replaced by "[secret]" */

/* *ret: a new object or list with what `one` makes of each member (key: NULL in a list), without those that
 * it makes nothing of; other values are shared. The first error of `one` ends it. NOMEM. */
typedef enum gh_err gh_value_maker(void *context, const char *key, json_t *value, json_t **ret);
enum gh_err gh_value_each(json_t *value, gh_value_maker *one, void *context, json_t **ret);
