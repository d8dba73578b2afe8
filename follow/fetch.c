#include "follow/fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/keyset.h"
#include "core/limits.h"
#include "follow/discovery.h"
#include "sys/clock.h"
#include "sys/http_client.h"

enum { TIMEOUT_MS = 10000, CONNECT_MS = 5000, DISCOVERY_SECONDS = 3600 };

/* Two clients with the same limits. The operator named the issuer, wherever it is; where the issuer sends us
 * is a stranger's word and leads to public addresses only. */
struct gh_fetcher {
    const char *issuer, *jwks;
    struct gh_http_client *named, *foreign;
    char *found; /* the address that discovery gave; NULL: ask again */
    long long found_at;
};

static struct gh_http_client *client(enum gh_egress egress, const char *ca_file) {
    return gh_http_client_new(&(struct gh_http_client_options){
        .egress = egress,
        .ca_file = ca_file,
        .user_agent = "gatehouse",
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = CONNECT_MS,
        .max_response = GH_LIMIT_JWKS,
    });
}

struct gh_fetcher *gh_fetcher_new(const char *issuer, const char *jwks, const char *ca_file) {
    struct gh_fetcher *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->issuer = issuer;
    f->jwks = jwks;
    f->named = client(GH_EGRESS_ANYWHERE, ca_file);
    f->foreign = client(GH_EGRESS_PUBLIC, ca_file);
    if (!f->named || !f->foreign) {
        gh_fetcher_free(f);
        return NULL;
    }
    return f;
}

void gh_fetcher_free(struct gh_fetcher *f) {
    if (!f)
        return;
    gh_http_client_free(f->named);
    gh_http_client_free(f->foreign);
    free(f->found);
    free(f);
}

void gh_fetched_release(struct gh_fetched *r) {
    gh_buf_release(&r->jwks);
}

/* 200 or nothing: a redirect is an answer of somebody whom nobody named. */
static enum gh_err get(struct gh_fetcher *f, struct gh_arena *a, const char *url, bool ours,
                       struct gh_http_reply *ret, char why[256]) {
    static const struct gh_http_header accept = { { "Accept", 6 }, { "application/json", 16 } };
    struct gh_http_call call = { .method = "GET", .url = url, .headers = &accept, .header_count = 1 };
    struct gh_http_failure failure = { 0 };
    enum gh_err e = gh_http_call(ours ? f->named : f->foreign, a, &call, ret, &failure);
    if (e)
        snprintf(why, 256, "%.120s: %.100s", url, failure.error);
    else if (ret->status != 200)
        snprintf(why, 256, "%.200s: answered %d", url, ret->status);
    return !e && ret->status != 200 ? GH_ERR_IO : e;
}

static enum gh_err ask(struct gh_fetcher *f, struct gh_arena *a, enum gh_discovery kind, struct gh_str *ret,
                       char why[256]) {
    struct gh_str issuer = gh_str_from(f->issuer), url;
    struct gh_http_reply reply;
    enum gh_err e = gh_discovery_url(a, kind, issuer, &url);
    if (!e)
        e = get(f, a, url.ptr, true, &reply, why);
    if (e)
        return e;
    e = gh_discovery_parse(a, reply.body, issuer, ret);
    if (e)
        snprintf(why, 256, "%.200s: %s", url.ptr,
                 e == GH_ERR_WRONG_ISSUER  ? "speaks for another issuer"
                 : e == GH_ERR_UNSUPPORTED ? "jwks_uri is not https"
                                           : gh_err_text(e));
    return e;
}

/* The second document only where the first is not there: one that is bad is an answer too. */
static enum gh_err discover(struct gh_fetcher *f, struct gh_arena *a, char why[256]) {
    struct gh_str uri;
    char second[256] = "";
    enum gh_err e = ask(f, a, GH_DISCOVERY_OPENID, &uri, why);
    if (e == GH_ERR_IO && !ask(f, a, GH_DISCOVERY_OAUTH, &uri, second))
        e = GH_OK;
    if (e)
        return e;
    free(f->found);
    f->found = strndup(uri.ptr, uri.len);
    f->found_at = gh_clock_seconds();
    return f->found ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_err find_address(struct gh_fetcher *f, struct gh_arena *a, const char **ret, bool *ours,
                                char why[256]) {
    long long age = gh_clock_seconds() - f->found_at;
    *ret = f->jwks;
    *ours = true; /* the operator's own words */
    if (f->jwks)
        return GH_OK;
    enum gh_err e = f->found && age >= 0 && age < DISCOVERY_SECONDS ? GH_OK : discover(f, a, why);
    if (e)
        return e;
    *ret = f->found;
    *ours = gh_url_same_origin(gh_str_from(f->found), gh_str_from(f->issuer));
    return GH_OK;
}

static enum gh_err believe(struct gh_str text, struct gh_fetched *ret) {
    gh_auto(gh_keyset_freep) struct gh_keyset *ks = NULL;
    enum gh_err e = gh_keyset_parse_foreign(text, GH_RS256, &ret->left_out, &ks);
    if (e)
        return e;
    ret->keys = gh_keyset_count(ks);
    return gh_keyset_format(ks, &ret->jwks);
}

enum gh_err gh_fetch_keys(struct gh_fetcher *f, struct gh_fetched *ret, char why[256]) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(4 << 20);
    const char *url;
    bool ours;
    struct gh_http_reply reply;
    struct gh_str control;
    why[0] = '\0';
    if (!a)
        return GH_ERR_NOMEM;
    *ret = (struct gh_fetched){ .jwks = gh_buf_make(GH_LIMIT_JWKS), .max_age = -1 };
    enum gh_err e = find_address(f, a, &url, &ours, why);
    if (e)
        return e;
    e = get(f, a, url, ours, &reply, why);
    if (!e && (e = believe(reply.body, ret)))
        snprintf(why, 256, "%.200s: %s", url,
                 e == GH_ERR_UNSUPPORTED ? "shows a private or symmetric key" : gh_err_text(e));
    if (e) { /* perhaps the keys have moved */
        free(f->found);
        f->found = NULL;
        return e;
    }
    if (gh_http_reply_header(&reply, "Cache-Control", &control))
        ret->max_age = gh_max_age(control);
    return GH_OK;
}
