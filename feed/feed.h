/* feed/feed.h - what the gateway must know now, in a file that both sides map: keys of issuers, revocation
 * epochs, and facts about APIs and organizations. One sparse file per writer, never renamed or truncated,
 * grown in place, generation-checked; keys are 128-bit keyed hashes. Readers are lock-free and believe no
 * byte of it: whatever does not check out is GH_ERR_FEED, which the gateway answers with 503. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include "core/limits.h"

enum gh_epoch_kind {
    GH_EPOCH_GLOBAL,       /* no key: everything issued at or before is refused */
    GH_EPOCH_USER,         /* a = sub */
    GH_EPOCH_ORGANIZATION, /* a = org_id */
    GH_EPOCH_CLIENT,       /* a = client_id */
    GH_EPOCH_MEMBER,       /* a = org_id, b = sub */
    GH_EPOCH_TOKEN,        /* a = jti */
    GH_EPOCH_SUSPENDED,    /* a = org_id; value 1 = suspended, 0 = not */
    GH_EPOCH_GRANT,        /* a = client_id, b = sub: what this user let this client do */
    GH_EPOCH_AUDIENCE,     /* a = aud: all tokens for that API */
};

/* Short texts that the issuer's administrator declared; there, or proven to be absent. */
enum gh_fact_kind {
    GH_FACT_MODELS_BIND, /* of an audience: the API defines a permission "model:..."; the text is empty */
    GH_FACT_MODELS,      /* of an org_id: its metadata `ai_models` as written; absent: no list */
};

struct gh_feed_writer;
/* Opens or creates the file (0600), takes the writer's lock (BUSY when another has it) and keeps its content.
 * A damaged file is mended: what is whole stays, and the keys go, so that no token passes. Therefore at
 * start: first republish all epochs and facts, then set the keys. FEED for a file that is not a feed or of
 * another version, IO, NOMEM. */
enum gh_err gh_feed_writer_open(const char *path, struct gh_feed_writer **ret);
void gh_feed_writer_close(struct gh_feed_writer *w);

/* Raises the epoch; a lower value than the stored one changes nothing (SUSPENDED is set as given). Visible to
 * every reader on return. Not thread-safe: one thread publishes. A full disk is IO and nothing changes: then
 * raise the GLOBAL epoch, which needs no room. MALFORMED below 0 or above 2^37 - 2, FEED. */
enum gh_err gh_feed_set_epoch(struct gh_feed_writer *w, enum gh_epoch_kind kind, struct gh_str a,
                              struct gh_str b, long long epoch);

/* Sets a fact of the issuer; `text` with ptr NULL takes it away. Visible to every reader on return, atomic,
 * and the same text again changes nothing. TOO_LARGE above GH_LIMIT_FACT, and nothing changes. IO on a full
 * disk, FEED on damage: then nobody believes the old text any more, readers get FEED for this fact (or,
 * without room even for that, for all facts until the next writer) - call again when there is room. */
enum gh_err gh_feed_set_fact(struct gh_feed_writer *w, enum gh_fact_kind kind, struct gh_str issuer,
                             struct gh_str name, struct gh_str text);

/* Replaces the JWKS of an issuer; the same text again changes nothing. TOO_LARGE above GH_LIMIT_JWKS or 64
 * issuers, FEED, IO. */
enum gh_err gh_feed_set_keys(struct gh_feed_writer *w, struct gh_str issuer, struct gh_str jwks);

struct gh_feed; /* a read-only mapping; share it between threads and across fork. The file is never shortened:
                 * where somebody does it by hand, readers get SIGBUS */
enum gh_err gh_feed_open(const char *path, struct gh_feed **ret); /* FEED, NOT_FOUND, IO */
void gh_feed_close(struct gh_feed *f);

/* *ret = 0 when there is no such epoch, or when the GLOBAL one covers it. FEED when the file is damaged. */
enum gh_err gh_feed_epoch(const struct gh_feed *f, enum gh_epoch_kind kind, struct gh_str a, struct gh_str b,
                          long long *ret);

struct gh_fact {
    size_t len;
    char text[GH_LIMIT_FACT];
};

static inline struct gh_str gh_fact_text(const struct gh_fact *fact) {
    return (struct gh_str){ fact->text, fact->len };
}

/* NOT_FOUND when it is proven that there is none; FEED when the file is damaged or the fact could not be
 * told. Then *ret may hold anything. */
enum gh_err gh_feed_fact(const struct gh_feed *f, enum gh_fact_kind kind, struct gh_str issuer,
                         struct gh_str name, struct gh_fact *ret);

/* Changes whenever any issuer's keys changed: a cheap check per request. */
enum gh_err gh_feed_keys_generation(const struct gh_feed *f, unsigned long long *ret);

/* A consistent copy of an issuer's JWKS in the arena. NOT_FOUND, FEED, NOMEM. */
enum gh_err gh_feed_keys(const struct gh_feed *f, struct gh_arena *a, struct gh_str issuer,
                         struct gh_str *ret);

static inline void gh_feed_freep(struct gh_feed **f) {
    gh_feed_close(*f);
}

static inline void gh_feed_writer_freep(struct gh_feed_writer **w) {
    gh_feed_writer_close(*w);
}
