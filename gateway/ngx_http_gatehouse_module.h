/* gateway/ngx_http_gatehouse_module.h - what the files of the module share.
 *
 * The way of a request: access.c asks core/decide for every pass through the
 * phases; headers.c takes away what the caller may not say and says who the
 * caller is; error.c answers refusals; keyring.c holds the issuers' keys. */

#pragma once

/* clang-format off: nginx.h wants these first, in this order */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
/* clang-format on */

#include "core/decide.h"
#include "core/limits.h"
#include "core/model_names.h"
#include "core/routes.h"
#include "feed/bell.h"
#include "feed/feed.h"
#include "gateway/token_table.h"

#define NGX_HTTP_GATEHOUSE_OFF 0 /* no opinion: plain nginx */
#define NGX_HTTP_GATEHOUSE_ON 1
#define NGX_HTTP_GATEHOUSE_PUBLIC 2 /* no token needed; headers are guarded */

#define NGX_HTTP_GATEHOUSE_MODELS_OFF 0
#define NGX_HTTP_GATEHOUSE_MODELS_AUTO 1 /* when the feed says so */
#define NGX_HTTP_GATEHOUSE_MODELS_REQUIRED 2

#define NGX_HTTP_GATEHOUSE_COOKIES_STRIP 0
#define NGX_HTTP_GATEHOUSE_COOKIES_KEEP 1

#define NGX_HTTP_GATEHOUSE_METRICS_LOCAL 1
#define NGX_HTTP_GATEHOUSE_METRICS_ANY 2

/* How another proxy tells the request that it asks about. */
#define NGX_HTTP_GATEHOUSE_FORWARD_OFF 0
#define NGX_HTTP_GATEHOUSE_FORWARD_ORIGINAL 1  /* X-Original-URI, -Method */
#define NGX_HTTP_GATEHOUSE_FORWARD_FORWARDED 2 /* X-Forwarded-Uri, -Method */
#define NGX_HTTP_GATEHOUSE_FORWARD_PATH 3      /* its own, below a prefix */

#define NGX_HTTP_GATEHOUSE_CACHE_NONE 0 /* not asked */
#define NGX_HTTP_GATEHOUSE_CACHE_MISS 1
#define NGX_HTTP_GATEHOUSE_CACHE_HIT 2
#define NGX_HTTP_GATEHOUSE_CACHE_REFUSED 3 /* a token known to be bad */

#define NGX_HTTP_GATEHOUSE_SCRATCH 640

typedef struct {
    ngx_str_t path;
    struct gh_feed *feed; /* NULL while the file cannot be read */
    struct gh_bell *bell; /* NULL where nobody fetches keys for it */
    time_t retry;         /* no attempt to open it before this second */
    time_t checked;       /* the second in which the file was last looked at */
    dev_t device;         /* which file is mapped */
    ino_t inode;
    off_t size;
    ngx_uint_t serial; /* counts the mappings: generations are per file */
} ngx_http_gatehouse_feed_t;

/* One issuer of a keyring: its keys, and the feeds that speak about it: those
 * in which it has keys. What other feeds say of a user or an organization
 * concerns somebody else of that name. */
typedef struct {
    struct gh_keyset *keyset; /* NULL: none, for the reason `err` */
    enum gh_err err;
    ngx_http_gatehouse_feed_t **feeds;
    ngx_uint_t nfeeds;
} ngx_http_gatehouse_issuer_t;

/* A feed of a keyring, and which state of it the keys are from. */
typedef struct {
    ngx_http_gatehouse_feed_t *feed;
    unsigned long long generation;
    ngx_uint_t serial;
} ngx_http_gatehouse_source_t;

/* The keys of the issuers that a policy believes, out of its feeds.
 * Configured before the fork, filled by each worker for itself. */
typedef struct {
    ngx_array_t sources;           /* of ngx_http_gatehouse_source_t */
    ngx_array_t names;             /* of struct gh_str: the issuers */
    ngx_http_gatehouse_issuer_t *issuers; /* in the order of the names */
    ngx_array_t audiences;         /* of struct gh_str: what policies ask for */
    u_char identity[GH_TOKEN_KEY]; /* of issuers, audiences and loaded keys */
    unsigned loaded : 1;
    unsigned usable : 1; /* some issuer has keys */
    ngx_uint_t loads;    /* how often they were parsed */
} ngx_http_gatehouse_keyring_t;

/* Opened tokens; the digest is the worker's own. */
typedef struct {
    ngx_shm_t shm; /* size 0 for "off" */
    struct gh_token_table good;
    struct gh_token_table refused;
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    unsigned usable : 1;
} ngx_http_gatehouse_cache_t;

typedef struct {
    ngx_array_t feeds;    /* of ngx_http_gatehouse_feed_t * */
    ngx_array_t keyrings; /* of ngx_http_gatehouse_keyring_t * */
    ngx_int_t request_id; /* index of $request_id */
    ngx_http_gatehouse_cache_t cache;
    ngx_array_t *credentials;  /* of ngx_http_gatehouse_credential_t *: all */
    ngx_array_t *checked;      /* upstreams that are asked once more */
    ngx_shm_zone_t *metrics;   /* NULL when no location tells them */
    unsigned forward_auth : 1; /* some location answers other proxies */
} ngx_http_gatehouse_main_conf_t;

typedef struct ngx_http_gatehouse_signer_s ngx_http_gatehouse_signer_t;

typedef struct {
    ngx_uint_t mode;
    ngx_array_t *issuers; /* of struct gh_str */
    ngx_str_t audience;
    ngx_str_t organization;
    ngx_array_t *feeds; /* of ngx_str_t: the files */
    ngx_array_t *permissions; /* of struct gh_str; empty for "none" */
    ngx_uint_t methods;       /* 0 = every one */
    time_t leeway;
    ngx_uint_t cookies;
    ngx_msec_t stream_check; /* 0 = off */
    ngx_uint_t forward_auth; /* not inherited */
    ngx_array_t *peers;      /* of ngx_cidr_t */
    ngx_uint_t metrics;      /* not inherited */
    ngx_array_t *credentials; /* of ngx_http_gatehouse_credential_t * */
    ngx_http_gatehouse_signer_t *signer; /* of X-Gatehouse-Identity */
    ngx_uint_t jwks;           /* not inherited */
    ngx_uint_t upstream_local; /* all its addresses are this machine's */
    ngx_uint_t models;
    off_t body_size;         /* of bodies that the model rule reads */
    ngx_array_t *routes;     /* of struct gh_api_route */
    ngx_uint_t apis;         /* whose permissions the location takes */
    ngx_array_t *cors;       /* of struct gh_str: origins, or "*" alone */
    ngx_uint_t cors_credentials;

    /* made of the above when a location is guarded */
    struct gh_policy policy;
    ngx_str_t scope; /* the permissions, blank-separated */
    ngx_http_gatehouse_keyring_t *keyring;
} ngx_http_gatehouse_loc_conf_t;

typedef struct ngx_http_gatehouse_stream_s ngx_http_gatehouse_stream_t;

/* What is known about a request, over all its internal redirects and
 * subrequests: nginx clears module contexts on those, so it hangs on the
 * pool that they share. */
typedef struct {
    ngx_uint_t authorizations;    /* header lines of that name */
    struct gh_str authorization;  /* the first; kept when it is stripped */
    struct gh_str request_id;
    enum gh_err target;           /* the verdict on the request target */

    ngx_http_gatehouse_keyring_t *keyring; /* which opened the token */
    ngx_http_gatehouse_issuer_t *issuer;   /* whose it is, when opened is GH_OK */
    enum gh_err opened;
    struct gh_arena *arena;
    struct gh_claims claims; /* valid when opened is GH_OK */
    ngx_uint_t cached;

    struct gh_model_names *names; /* what the request names, this pass */
    ngx_chain_t *body, **body_end; /* the body as far as it was read */
    ngx_buf_t *body_last;
    off_t body_length, body_limit;
    ngx_int_t body_rc; /* with wants_body: what the access handler returns */
    ngx_str_t list; /* the answer as far as it came */
    size_t list_room;
    ngx_http_gatehouse_stream_t *stream; /* NULL: not watched */

    ngx_uint_t asking_method; /* of a forward-auth request itself */
    ngx_str_t forwarded_uri;

    unsigned captured : 1; /* the headers were read as they came */
    unsigned guarded : 1;  /* some location of the request was */
    unsigned forwarded : 1; /* a forward-auth request */
    unsigned answered : 1;  /* ... which we answered with yes */
    unsigned keep_cookies : 1;
    unsigned wants_body : 1; /* the decision waits for it, */
    unsigned reading_body : 1;
    unsigned starting : 1; /* but perhaps it is there already */
    unsigned body_fits : 1; /* nginx's own buffer holds it */
    unsigned body_over : 1;
    unsigned preflight : 1; /* answered by us */
    unsigned lists : 1;   /* the answer lists models: it is filtered */
    unsigned listing : 1; /* ... and held back */
    unsigned resumed : 1; /* the same pass goes on, with the body */

    /* the arena begins here: what a usual token takes out of the cache */
    u_char scratch[NGX_HTTP_GATEHOUSE_SCRATCH];
} ngx_http_gatehouse_ctx_t;

extern ngx_module_t ngx_http_gatehouse_module;

static inline struct gh_str
ngx_http_gatehouse_str(ngx_str_t s)
{
    return (struct gh_str){ (const char *) s.data, s.len };
}

/* Walks a header list: its parts are arrays, chained. Begins with
 * { &list.part, 0 }. */
typedef struct {
    ngx_list_part_t *part;
    ngx_uint_t i;
} ngx_http_gatehouse_walk_t;

static inline ngx_table_elt_t *
ngx_http_gatehouse_next(ngx_http_gatehouse_walk_t *walk)
{
    ngx_table_elt_t *h;

    while (walk->i >= walk->part->nelts) {
        if (walk->part->next == NULL) {
            return NULL;
        }
        walk->part = walk->part->next;
        walk->i = 0;
    }

    h = walk->part->elts;
    return &h[walk->i++];
}

/* access.c */
enum gh_err ngx_http_gatehouse_judge(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_policy *policy, struct gh_epochs *epochs,
    struct gh_str *missing);
ngx_int_t ngx_http_gatehouse_access_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_gatehouse_subrequest_handler(ngx_http_request_t *r);
ngx_http_gatehouse_ctx_t *ngx_http_gatehouse_ctx(ngx_http_request_t *r);
ngx_http_gatehouse_ctx_t *ngx_http_gatehouse_ctx_find(ngx_http_request_t *r);

/* request_id.c */
ngx_int_t ngx_http_gatehouse_request_id_init(ngx_cycle_t *cycle);
ngx_int_t ngx_http_gatehouse_request_id(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx);

/* headers.c: NGX_OK or NGX_ERROR, and then the request must not go on */
ngx_int_t ngx_http_gatehouse_strip(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_uint_t cookies);
ngx_int_t ngx_http_gatehouse_identify(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_uint_t public);
ngx_int_t ngx_http_gatehouse_header_filter_init(ngx_conf_t *cf);
ngx_int_t ngx_http_gatehouse_request_header(ngx_http_request_t *r,
    ngx_str_t name, u_char *lowcase, ngx_uint_t hash, ngx_str_t value);
ngx_int_t ngx_http_gatehouse_respond(ngx_http_request_t *r, char *name,
    struct gh_str value);

/* model.c: HIDDEN_MODEL, NO_MODEL, AMBIGUOUS_BODY, ..., or what gh_decide says
 */
enum gh_err ngx_http_gatehouse_judge_model(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx,
    struct gh_policy *policy, const struct gh_epochs *epochs,
    struct gh_str *missing);

/* of the caller's organization: NOT_FOUND when it has no list, FEED */
enum gh_err ngx_http_gatehouse_organization_models(
    ngx_http_gatehouse_ctx_t *ctx, struct gh_fact *ret);

/* api_routes.c: the row for a request, or NULL */
const struct gh_api_route *ngx_http_gatehouse_route(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_uint_t place_only,
    struct gh_str *segment);
extern ngx_conf_bitmask_t ngx_http_gatehouse_apis[];
ngx_uint_t ngx_http_gatehouse_api(const char *name);

/* models_list.c */
void ngx_http_gatehouse_list_ask(ngx_http_request_t *r);
ngx_int_t ngx_http_gatehouse_list_init(ngx_conf_t *cf);

/* cors.c: what an access handler returns */
ngx_int_t ngx_http_gatehouse_cors_preflight(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_http_gatehouse_loc_conf_t *conf);
ngx_int_t ngx_http_gatehouse_cors_init(ngx_conf_t *cf);

/* body.c: NGX_OK, or what an access handler returns */
ngx_int_t ngx_http_gatehouse_read_body(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx);
ngx_int_t ngx_http_gatehouse_body_filter_init(ngx_conf_t *cf);

/* error.c */
void ngx_http_gatehouse_log_refusal(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, enum gh_err err, struct gh_str missing);
ngx_int_t ngx_http_gatehouse_refuse(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, enum gh_err err, struct gh_str missing);

/* forward_auth.c */
ngx_int_t ngx_http_gatehouse_forward_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_gatehouse_forward_admit(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx);
ngx_int_t ngx_http_gatehouse_forward_off(ngx_http_request_t *r);

/* credentials.c */
ngx_int_t ngx_http_gatehouse_credentials_add(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf);

/* identity.c: NOMEM, CRYPTO */
extern u_char ngx_http_gatehouse_identity_name[];
enum gh_err ngx_http_gatehouse_identity_add(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx);

/* metrics.c: one addition each, or none when nobody asks for metrics */
void ngx_http_gatehouse_count_admitted(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, ngx_uint_t mode);
void ngx_http_gatehouse_count_refused(ngx_http_request_t *r,
    ngx_http_gatehouse_ctx_t *ctx, enum gh_err err);
void ngx_http_gatehouse_count_ended(ngx_http_request_t *r, enum gh_err err);
void ngx_http_gatehouse_count_withheld(ngx_http_request_t *r);

/* mapping.c: FEED for whatever is wrong with the file */
ngx_int_t ngx_http_gatehouse_feeds_open(ngx_cycle_t *cycle);
ngx_int_t ngx_http_gatehouse_feeds_cover(ngx_cycle_t *cycle);
ngx_http_gatehouse_feed_t *ngx_http_gatehouse_feed_add(ngx_conf_t *cf,
    ngx_http_gatehouse_main_conf_t *mcf, ngx_str_t *path);
enum gh_err ngx_http_gatehouse_feed_check(ngx_http_gatehouse_feed_t *feed,
    ngx_log_t *log);
enum gh_err ngx_http_gatehouse_feed_generation(
    ngx_http_gatehouse_feed_t *feed, unsigned long long *ret);
enum gh_err ngx_http_gatehouse_feed_keys(ngx_http_gatehouse_feed_t *feed,
    struct gh_arena *arena, struct gh_str issuer, struct gh_str *ret);
enum gh_err ngx_http_gatehouse_feed_fact(ngx_http_gatehouse_feed_t *feed,
    enum gh_fact_kind kind, struct gh_str issuer, struct gh_str name,
    struct gh_fact *ret);
enum gh_err ngx_http_gatehouse_feed_epochs(ngx_http_gatehouse_feed_t *feed,
    const struct gh_claims *claims, struct gh_str audience,
    struct gh_epochs *ret);

void ngx_http_gatehouse_feed_ring(ngx_http_gatehouse_feed_t *feed);

/* stream.c */
ngx_int_t ngx_http_gatehouse_stream_watch(ngx_http_request_t *r,
    ngx_http_gatehouse_loc_conf_t *conf, ngx_http_gatehouse_ctx_t *ctx);
void ngx_http_gatehouse_stream_forget(ngx_http_gatehouse_ctx_t *ctx);

/* cache.c */
ngx_int_t ngx_http_gatehouse_cache_init(ngx_cycle_t *cycle);
ngx_int_t ngx_http_gatehouse_cache_variable(ngx_conf_t *cf);
ngx_int_t ngx_http_gatehouse_cache_identify(
    ngx_http_gatehouse_keyring_t *keyring, const struct gh_str *jwks);
enum gh_err ngx_http_gatehouse_cache_get(ngx_http_request_t *r,
    ngx_http_gatehouse_keyring_t *keyring, struct gh_str token, u_char *key,
    ngx_http_gatehouse_ctx_t *ctx);
void ngx_http_gatehouse_cache_put(ngx_http_request_t *r,
    ngx_http_gatehouse_keyring_t *keyring, const u_char *key,
    ngx_http_gatehouse_ctx_t *ctx);

/* keyring.c */
ngx_http_gatehouse_keyring_t *ngx_http_gatehouse_keyring_add(ngx_conf_t *cf,
    ngx_http_gatehouse_main_conf_t *mcf, ngx_array_t *feeds,
    ngx_array_t *issuers, struct gh_str audience);
enum gh_err ngx_http_gatehouse_keyring_refresh(
    ngx_http_gatehouse_keyring_t *keyring, ngx_log_t *log);
ngx_http_gatehouse_issuer_t *ngx_http_gatehouse_keyring_find(
    ngx_http_gatehouse_keyring_t *keyring, struct gh_str issuer);
enum gh_err ngx_http_gatehouse_issuer_epochs(
    ngx_http_gatehouse_issuer_t *issuer, const struct gh_claims *claims,
    struct gh_str audience, struct gh_epochs *ret);
