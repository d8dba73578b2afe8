/* tenant/login/brand.h - how the pages look: an organization's colours as it declared them, and text colours
 * that stay readable on them (WCAG 2.2, 1.4.3). */
#pragma once
#include <jansson.h>

#include "core/str.h"

/* Adds to the template's data, under "brand": name, logo, primary, on_primary, background, on_background,
 * accent. What is missing or not a plain colour takes the tenant's default; a logo that is not https is left
 * out. `organization` may be NULL. False when out of memory. */
bool gh_brand_add(json_t *data, const json_t *settings, const json_t *organization);

/* White, near-black or black, the first that reads at 4.5:1 or better on that colour: one always does. */
const char *gh_brand_text_on(struct gh_str color);

/* Contrast ratio of two colours, 1..21; 0 when one is no colour. */
double gh_brand_contrast(struct gh_str a, struct gh_str b);
