#include "tenant/keys.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "core/b64url.h"
#include "core/limits.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "tenant/exchange_private.h"
#include "tenant/key_make.h"
#include "tenant/seal.h"

#define KEYS_MAX 8 /* current, next, and previous ones that still verify */
#define TABLE "signing_keys"

GH_DEFINE_FREEP(EVP_PKEY, EVP_PKEY_free)

/* Keys are added under the lock and stay until the close, so a found one needs no lock. */
struct gh_keys {
    struct gh_tenant *tenant;
    pthread_rwlock_t lock;
    struct gh_keyset *set; /* with private halves */
    struct gh_str current; /* kid */
    struct gh_buf jwks;
    struct gh_arena *arena; /* kids */
    size_t count;
    bool has_next;
    pthread_t maker;
    bool making;
};

/* One stored key, as it goes into the set. */
struct stored {
    struct gh_str kid, state, pem, certificate;
};

static bool add_certificate(struct gh_arena *a, struct gh_buf *out, struct gh_str der) {
    unsigned char digest[SHA_DIGEST_LENGTH];
    struct gh_str x5c, x5t;
    SHA1(gh_bytes(der), der.len, digest); /* RFC 7517 4.8: x5t is SHA-1; it names, it proves nothing */
    if (gh_b64_encode(a, der, &x5c) ||
        gh_b64url_encode(a, (struct gh_str){ (const char *)digest, sizeof digest }, &x5t))
        return false;
    gh_buf_addf(out, ",\"x5t\":\"%.*s\",\"x5c\":[\"%.*s\"]}", GH_STR_FMT(x5t), GH_STR_FMT(x5c));
    return !out->failed;
}

/* Appends the public half to the JWKS text: gh_jwk_format's object, with its certificate put before the
 * closing brace. */
static enum gh_err append_jwk(struct gh_arena *a, struct gh_buf *jwks, const struct gh_key *key,
                              struct gh_str certificate_der) {
    if (jwks->len == 0)
        gh_buf_add(jwks, GH_STR("{\"keys\":["));
    else {
        jwks->len -= 2; /* "]}" */
        gh_buf_add(jwks, GH_STR(","));
    }
    enum gh_err e = gh_jwk_format(key, jwks);
    if (e)
        return e;
    if (jwks->failed || jwks->ptr[jwks->len - 1] != '}')
        return GH_ERR_NOMEM;
    jwks->len--;
    if (!add_certificate(a, jwks, certificate_der))
        return GH_ERR_NOMEM;
    gh_buf_add(jwks, GH_STR("]}"));
    return jwks->failed ? GH_ERR_NOMEM : GH_OK;
}

/* Under the write lock, or before anybody else knows `k`. */
static enum gh_err add_key(struct gh_keys *k, const struct stored *s) {
    gh_auto(gh_arena_freep) struct gh_arena *scratch = gh_arena_new(65536);
    struct gh_str der;
    if (!scratch)
        return GH_ERR_NOMEM;
    gh_auto(EVP_PKEY_freep) EVP_PKEY *pkey = gh_key_from_pem(s->pem);
    if (!pkey)
        return GH_ERR_CRYPTO;
    if (k->count == KEYS_MAX)
        return GH_ERR_TOO_LARGE;
    struct gh_str kid = gh_arena_dup(k->arena, s->kid);
    enum gh_err e = kid.ptr ? gh_keyset_add(k->set, kid, GH_RS256, pkey) : GH_ERR_NOMEM;
    if (!e)
        e = gh_b64_decode(scratch, s->certificate, &der);
    if (!e)
        e = append_jwk(scratch, &k->jwks, gh_keyset_find(k->set, kid), der);
    if (e)
        return e;
    k->count++;
    if (gh_str_is(s->state, "current"))
        k->current = kid;
    k->has_next |= gh_str_is(s->state, "next");
    return GH_OK;
}

static enum gh_err load_keys(struct gh_keys *k, struct gh_db *db) {
    struct gh_rows rows;
    bool more = false;
    enum gh_err e = gh_db_query(db, GH_SQL_SIGNING_KEYS_ALL, NULL, 0, &rows);
    if (e)
        return e;
    while (!(e = gh_rows_next(&rows, &more)) && more) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
        struct stored s = { gh_rows_text(&rows, 0), gh_rows_text(&rows, 1), { 0 }, gh_rows_text(&rows, 3) };
        e = a ? gh_unseal(k->tenant->sealer, a, TABLE, s.kid, gh_rows_text(&rows, 2), &s.pem) : GH_ERR_NOMEM;
        if (!e)
            e = add_key(k, &s);
        if (s.pem.ptr)
            OPENSSL_cleanse((char *)s.pem.ptr, s.pem.len);
        if (e)
            break;
    }
    gh_rows_end(&rows);
    return e;
}

/* --- making keys */

struct insert {
    struct stored key;
    struct gh_str sealed;
};

static enum gh_err insert_key(struct gh_db *db, void *data) {
    const struct insert *i = data;
    return gh_db_run(db, GH_SQL_SIGNING_KEY_INSERT,
                     GH_BINDS(GH_TEXT("kid", i->key.kid), GH_TEXT("state", i->key.state),
                              GH_TEXT("sealed_private_key", i->sealed),
                              GH_TEXT("certificate", i->key.certificate),
                              GH_INT("created_at", gh_clock_milliseconds())),
                     NULL);
}

/* Stores a new key, then knows it: a key is never used that a crash could lose. */
static enum gh_err take_new(struct gh_keys *k, EVP_PKEY *pkey, const char *state) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(65536);
    struct insert i = { 0 };
    if (!a)
        return GH_ERR_NOMEM;
    i.key.state = gh_str_from(state);
    enum gh_err e = gh_jwk_thumbprint(a, pkey, &i.key.kid);
    if (!e)
        e = gh_key_certificate(a, pkey, k->tenant->domain, &i.key.certificate);
    if (!e)
        e = gh_key_to_pem(a, pkey, &i.key.pem);
    if (!e)
        e = gh_seal(k->tenant->sealer, a, TABLE, i.key.kid, i.key.pem, &i.sealed);
    if (!e)
        e = gh_store_write_wait(k->tenant->store, insert_key, &i);
    if (!e) {
        pthread_rwlock_wrlock(&k->lock);
        e = add_key(k, &i.key);
        pthread_rwlock_unlock(&k->lock);
    }
    if (i.key.pem.ptr)
        OPENSSL_cleanse((char *)i.key.pem.ptr, i.key.pem.len);
    return e;
}

static enum gh_err publish(struct gh_db *db, void *data) {
    struct gh_keys *k = data;
    pthread_rwlock_rdlock(&k->lock);
    enum gh_err e = gh_feed_set_keys(k->tenant->feed_writer, k->tenant->issuer, gh_buf_str(&k->jwks));
    pthread_rwlock_unlock(&k->lock);
    return e;
}

static void *make_next(void *data) {
    struct gh_keys *k = data;
    setpriority(PRIO_PROCESS, 0, 10); /* a thread's own on Linux: requests come first */
    gh_auto(EVP_PKEY_freep) EVP_PKEY *pkey = gh_key_make();
    enum gh_err e = pkey ? take_new(k, pkey, "next") : GH_ERR_CRYPTO;
    if (!e)
        e = gh_store_write_wait(k->tenant->store, publish, k);
    if (e) /* the current key still signs; the next start tries again */
        gh_log(GH_LOG_ERROR, "tenant.next_key_failed", "error", "%s", gh_err_name(e), NULL);
    return NULL;
}

/* --- the life of the keys */

enum gh_err gh_keys_open(struct gh_tenant *t, struct gh_keys **ret) {
    struct gh_keys *k = calloc(1, sizeof *k);
    struct gh_db *db = gh_store_reader(t->store);
    if (!k || !db) {
        free(k);
        return k ? GH_ERR_STORAGE : GH_ERR_NOMEM;
    }
    k->tenant = t;
    k->jwks = gh_buf_make(GH_LIMIT_JWKS);
    k->set = gh_keyset_new();
    k->arena = gh_arena_new(4096);
    pthread_rwlock_init(&k->lock, NULL);
    enum gh_err e = k->set && k->arena ? load_keys(k, db) : GH_ERR_NOMEM;
    gh_auto(EVP_PKEY_freep) EVP_PKEY *made = gh_key_maker_join();
    if (!e && k->current.len == 0) {
        if (!made)
            made = gh_key_make();
        e = made ? take_new(k, made, "current") : GH_ERR_CRYPTO;
    }
    if (!e)
        e = gh_store_write_wait(t->store, publish, k);
    if (e) {
        gh_keys_close(k);
        return e;
    }
    *ret = k;
    return GH_OK;
}

void gh_keys_start_next(struct gh_keys *k) {
    if (!k->has_next)
        k->making = pthread_create(&k->maker, NULL, make_next, k) == 0;
}

void gh_keys_close(struct gh_keys *k) {
    if (!k)
        return;
    if (k->making)
        pthread_join(k->maker, NULL);
    pthread_rwlock_destroy(&k->lock);
    gh_keyset_free(k->set);
    gh_buf_release(&k->jwks);
    gh_arena_free(k->arena);
    free(k);
}

/* --- their use */

static const struct gh_key *find(struct gh_keys *k, struct gh_str kid) {
    pthread_rwlock_rdlock(&k->lock);
    const struct gh_key *key = gh_keyset_find(k->set, kid);
    pthread_rwlock_unlock(&k->lock);
    return key;
}

const struct gh_key *gh_keys_find(void *tenant, struct gh_str issuer, struct gh_str kid) {
    const struct gh_tenant *t = tenant;
    return gh_str_eq(issuer, t->issuer) ? find(t->keys, kid) : NULL;
}

enum gh_err gh_keys_jwks(struct gh_keys *k, struct gh_buf *ret) {
    pthread_rwlock_rdlock(&k->lock);
    gh_buf_add(ret, gh_buf_str(&k->jwks));
    pthread_rwlock_unlock(&k->lock);
    return ret->failed ? GH_ERR_NOMEM : GH_OK;
}

static enum gh_err sign(struct gh_exchange *x) {
    struct gh_keys *k = x->tenant->keys;
    const struct gh_key *key = find(k, k->current);
    for (size_t i = 0; i < x->private->sign_count; i++) {
        struct gh_sign_job *job = &x->private->sign_jobs[i];
        enum gh_err e = gh_jws_sign(x->arena, key, gh_str_from(job->typ), job->payload, &job->ret);
        if (e)
            return e;
    }
    return GH_OK;
}

void gh_await_sign(struct gh_exchange *x, struct gh_sign_job *jobs, size_t count, gh_step *then) {
    x->private->sign_jobs = jobs;
    x->private->sign_count = count;
    gh_await_work(x, GH_POOL_SIGN, sign, then);
}
