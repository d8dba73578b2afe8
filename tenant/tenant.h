/* tenant/tenant.h - one identity tenant: what its parts share. Built once at start, then read-only but for
 * what is behind the pointers. */
#pragma once
#include "core/str.h"
#include "feed/feed.h"
#include "store/store.h"

struct gh_tenant_config {
    const char
        *origin; /* https://HOST[:PORT], no path: issuer and Management API identifier derive from it */
    const char *database;      /* path of the SQLite file */
    const char *socket;        /* path of the unix socket to listen on, or NULL */
    const char *listen;        /* "127.0.0.1:PORT" when there is no socket */
    const char *trusted_peers; /* comma list of addresses whose X-Forwarded-* count; a unix socket's peer is
                                  always trusted */
    const char *feed;          /* path of the feed file */
    const char *kek_file;      /* 32 bytes, hex */
    bool make_kek;             /* make the file, 0600, when it is absent: `dev` and `init`, never `serve` */
    unsigned threads;          /* 0: max(1, cores) */
};

struct gh_keys;
struct gh_sealer;
struct gh_pools;
struct gh_http;

struct gh_tenant {
    const struct gh_tenant_config *config;
    struct gh_str issuer;              /* https://HOST[:PORT]/ */
    struct gh_str domain;              /* HOST[:PORT] */
    struct gh_str management_audience; /* https://HOST[:PORT]/api/v2/ */
    struct gh_store *store;
    struct gh_feed_writer *feed_writer; /* used by the store's writer thread only */
    struct gh_feed *feed;   /* our own reader: the tenant judges tokens by the same epochs as the gateway */
    _Atomic long long told; /* the number of the newest change that the feed knows */
    long long log_id;       /* whose numbers those are: another database, other numbers */
    struct gh_keys *keys;
    struct gh_sealer *sealer;
    struct gh_pools *pools;
    int stop_fd; /* an eventfd: gh_tenant_stop writes, gh_tenant_serve waits */
};

/* Opens everything and makes a fresh tenant when the database is new. On failure `why` says it for the
 * operator. */
enum gh_err gh_tenant_open(const struct gh_tenant_config *config, struct gh_tenant **ret, char why[256]);
void gh_tenant_close(struct gh_tenant *t);

/* Serves until gh_tenant_stop (async-signal-safe) was called. `ready` is told once when requests are
 * answered. */
enum gh_err gh_tenant_serve(struct gh_tenant *t, void (*ready)(void *), void *context);
void gh_tenant_stop(struct gh_tenant *t);
