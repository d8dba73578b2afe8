/* follow/fetch.h - one issuer's keys over HTTPS: discovery, the set, and what of it we are willing to
 * believe. Blocking; one fetcher is one thread's. */
#pragma once
#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"

struct gh_fetcher;

/* `jwks`: the address of the set where the operator names it, NULL: by discovery. `ca_file`: NULL for the
 * system's. The texts stay the caller's. NULL when out of memory. */
struct gh_fetcher *gh_fetcher_new(const char *issuer, const char *jwks, const char *ca_file);
void gh_fetcher_free(struct gh_fetcher *f);

struct gh_fetched {
    struct gh_buf jwks; /* rewritten: the keys that we believe, and nothing else */
    size_t keys, left_out;
    long long max_age; /* -1: the issuer does not say */
};

/* No redirects, 200 only, 10 s in all for each answer. On failure `why` says what and why, in words for a
 * log. IO, TIMEOUT, TOO_LARGE, MALFORMED, WRONG_ISSUER, UNSUPPORTED, FORBIDDEN_ADDRESS (the issuer sent us to
 * an address that is not public and not its own), NOMEM. */
enum gh_err gh_fetch_keys(struct gh_fetcher *f, struct gh_fetched *ret, char why[256]);
void gh_fetched_release(struct gh_fetched *r);
