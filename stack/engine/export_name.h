/* stack/engine/export_name.h - logical names for people: "ai-console", "ai-console-credentials". Pure. */
#pragma once
#include <jansson.h>

#define GH_EXPORT_NAME 128

/* A name of letters, digits and hyphens, made of `base` and `part` (may be NULL), that is not among `taken`;
 * then it is. A clash is settled by `kind`, then by a number. */
void gh_export_name(json_t *taken, const char *base, const char *part, const char *kind,
                    char ret[GH_EXPORT_NAME]);

/* "organization", "api", "role": the last word for a type. */
const char *gh_export_kind(const char *token);

/* "credentials" of ClientCredentials below a Client. */
const char *gh_export_part(const char *token, const char *parent);

/* "okta", "clientSecret" → "oktaClientSecret": a key of the configuration. */
void gh_export_config_name(const char *name, const char *property, char ret[GH_EXPORT_NAME]);
