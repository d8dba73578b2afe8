/* stack/form.h - texts for a URL or an HTML form, in a buffer. */
#pragma once
#include "core/buf.h"

/* All but what RFC 3986 2.3 calls unreserved as %XX: for a path segment, a query, a form. */
void gh_percent_add(struct gh_buf *out, const char *text);

/* "&name=value" ("name=value" at the beginning); nothing where the value is NULL. */
void gh_form_add(struct gh_buf *out, const char *name, const char *value);

/* A gh_auto function: overwrites the text and releases it. What growing moved away from is not reached. */
void gh_form_wipe(struct gh_buf *form);
