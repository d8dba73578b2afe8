/* tenant/login/page.h - our pages: HTML of a few kilobytes, no script needed, nothing from elsewhere but the
 * logo. */
#pragma once
#include "tenant/exchange.h"
#include "tenant/oauth/authorization.h"

enum gh_page {
    GH_PAGE_LOGIN,
    GH_PAGE_ORGANIZATION,
    GH_PAGE_PICKER,
    GH_PAGE_FORM_POST,
    GH_PAGE_MESSAGE,
    GH_PAGE_ACTIVATE,
    GH_PAGE_DEVICE,
    GH_PAGE_COUNT
};

/* Answers. Takes `data` (NULL: out of memory); "brand" is added from the settings and the organization (may
 * be NULL), and "nonce". `form_sources`: where the page's form may lead beyond ourselves, as a CSP source
 * list; may be empty. */
void gh_page_answer(struct gh_exchange *x, int status, enum gh_page page, json_t *data,
                    const json_t *organization, struct gh_str form_sources);

/* A page that says what is wrong, for errors that must not be sent to an address nobody has checked (RFC
 * 6749 4.1.2.1). */
void gh_page_error(struct gh_exchange *x, int status, const char *title, struct gh_str text);
void gh_page_fail(struct gh_exchange *x, enum gh_err e); /* our own trouble: 503 */

/* Where the browser may be redirected after a form of this client was posted: Chromium applies form-action to
 * the whole chain of redirects. The redirect_uri, and the origins that the client declares as its own. */
struct gh_str gh_page_form_sources(struct gh_arena *a, const json_t *client, struct gh_str redirect_uri);
