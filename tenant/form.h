/* tenant/form.h - application/x-www-form-urlencoded: query strings and OAuth bodies, read strictly. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include "tenant/exchange.h"

#define GH_FORM_MAX 256 /* parameters of one text */

/* Splits at '&', decodes percent escapes and '+'. Names and values are valid UTF-8 without controls that JSON
 * or SQL text could not hold; a name without '=' has an empty value; empty pieces ("a=1&&b=2") are skipped.
 * MALFORMED, TOO_LARGE above GH_FORM_MAX, NOMEM. */
enum gh_err gh_form_parse(struct gh_arena *a, struct gh_str text, const struct gh_param **ret, size_t *count);

/* True when no name stands there twice (RFC 6749 3.2). */
bool gh_form_is_single(const struct gh_param *params, size_t count);

/* Valid UTF-8 as RFC 3629 has it: shortest form, no surrogates, no NUL. */
bool gh_utf8_is_text(struct gh_str s);
