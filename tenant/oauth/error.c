#include "tenant/oauth/error.h"

#include <stdio.h>

#include "core/utf8.h"
#include "tenant/record.h"

void gh_oauth_no_store(struct gh_exchange *x) {
    gh_response_header(x, "Cache-Control", GH_STR("no-store"));
    gh_response_header(x, "Pragma", GH_STR("no-cache"));
}

static void answer(struct gh_exchange *x, int status, const char *error, const char *description,
                   const char *uri) {
    gh_oauth_no_store(x);
    json_t *body =
        json_pack("{s:s, s:s, s:s*}", "error", error, "error_description", description, "error_uri", uri);
    gh_respond_json(x, status, body);
}

/* When the settings cannot be read the milder answer stands: both refuse. */
static bool is_strict(struct gh_exchange *x) {
    json_auto_t *settings = NULL;
    return x->db && gh_settings_get(x->db, &settings) == GH_OK &&
           gh_doc_bool(json_object_get(settings, "flags"), "strict_oauth_errors", false);
}

void gh_oauth_refuse(struct gh_exchange *x, int status, const char *error, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    text[gh_utf8_whole(text, strlen(text))] = '\0';
    if (status == 403 && strcmp(error, "invalid_grant") == 0 && is_strict(x))
        status = 400;
    answer(x, status, error, text,
           strcmp(error, "unauthorized_client") == 0 ? "https://auth0.com/docs/clients/client-grant-types"
                                                     : NULL);
}

void gh_oauth_fail(struct gh_exchange *x, enum gh_err e) {
    int status = gh_err_status(e);
    if (status == 503) {
        gh_response_header(x, "Retry-After", GH_STR("1"));
        answer(x, 503, "temporarily_unavailable", gh_err_text(e), NULL);
        return;
    }
    answer(x, status == 413 ? 413 : 400, "invalid_request", "The request is not well formed", NULL);
}

void gh_oauth_refuse_client(struct gh_exchange *x, const char *error, const char *description, bool basic) {
    if (basic)
        gh_response_header(x, "WWW-Authenticate", GH_STR("Basic realm=\"gatehouse\""));
    answer(x, 401, error, description, NULL);
}
