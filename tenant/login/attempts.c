#include "tenant/login/attempts.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>

#include "sys/random.h"

enum { SETS = 2048, WAYS = 8 };

struct slot {
    uint64_t pair; /* keyed hash; 0 is free */
    long long last;
    unsigned failures;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows; held for nanoseconds */
static struct slot slots[SETS][WAYS];
static unsigned char key[32];
static bool has_key;

/* Keyed, so that nobody can choose names that fall together. The length stands between the two parts. */
static enum gh_err hash_pair(struct gh_str account, struct gh_str address, uint64_t *ret) {
    unsigned char digest[32];
    uint64_t len = account.len;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool fine = ctx && EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(ctx, key, sizeof key) == 1 && EVP_DigestUpdate(ctx, &len, sizeof len) == 1 &&
                EVP_DigestUpdate(ctx, account.ptr, account.len) == 1 &&
                EVP_DigestUpdate(ctx, address.ptr, address.len) == 1 &&
                EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (!fine)
        return GH_ERR_CRYPTO;
    memcpy(ret, digest, sizeof *ret);
    *ret |= 1; /* never 0 */
    return GH_OK;
}

static enum gh_err make_key(void) {
    enum gh_err e = has_key ? GH_OK : gh_random_bytes(key, sizeof key);
    has_key = has_key || e == GH_OK;
    return e;
}

/* The pair's slot, else the one that is oldest in its set: a flood of names can only push out what is older.
 */
static struct slot *find(uint64_t pair, long long now) {
    struct slot *set = slots[(pair >> 1) % SETS], *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].pair == pair) {
            if (now - set[i].last > GH_ATTEMPTS_WINDOW)
                set[i].failures = 0;
            return &set[i];
        }
        if (set[i].last < oldest->last)
            oldest = &set[i];
    }
    *oldest = (struct slot){ .pair = pair };
    return oldest;
}

enum gh_err gh_attempts_take(struct gh_str account, struct gh_str address, long long now, bool *ret_blocked) {
    pthread_mutex_lock(&lock);
    uint64_t pair;
    enum gh_err e = make_key();
    if (!e)
        e = hash_pair(account, address, &pair);
    if (!e) {
        struct slot *s = find(pair, now);
        *ret_blocked = s->failures >= GH_ATTEMPTS_MAX;
        if (!*ret_blocked) { /* a blocked try does not prolong the pause */
            s->failures++;
            s->last = now;
        }
    }
    pthread_mutex_unlock(&lock);
    return e;
}

/* Takes off up to `most` failures. */
static void lower(struct gh_str account, struct gh_str address, unsigned most) {
    pthread_mutex_lock(&lock);
    uint64_t pair;
    if (has_key && hash_pair(account, address, &pair) == GH_OK) {
        struct slot *set = slots[(pair >> 1) % SETS];
        for (size_t i = 0; i < WAYS; i++)
            if (set[i].pair == pair && set[i].failures > most)
                set[i].failures -= most;
            else if (set[i].pair == pair)
                set[i] = (struct slot){ 0 };
    }
    pthread_mutex_unlock(&lock);
}

void gh_attempts_excuse(struct gh_str account, struct gh_str address) {
    lower(account, address, 1);
}

void gh_attempts_forget(struct gh_str account, struct gh_str address) {
    lower(account, address, GH_ATTEMPTS_MAX);
}
