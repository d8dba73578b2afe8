#include "recipe.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "core/b64url.h"
#include "core/ecdsa.h"
#include "tests/check.h"
#include "vectors.h"

#define PARTS 3

struct making {
    struct gh_arena *a;
    long long now;
    const struct recipe_keys *keys;
};

static struct gh_str encode(struct gh_arena *a, struct gh_str bytes) {
    struct gh_str text;
    CHECK(gh_b64url_encode(a, bytes, &text) == GH_OK);
    return text;
}

static struct gh_str join(struct gh_arena *a, struct gh_str x, struct gh_str y) {
    char *p = gh_arena_alloc(a, x.len + y.len + 1);
    CHECK(p);
    memcpy(p, x.ptr, x.len);
    memcpy(p + x.len, y.ptr, y.len);
    return (struct gh_str){ p, x.len + y.len };
}

static struct gh_str optional(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return value ? (struct gh_str){ json_string_value(value), json_string_length(value) } : GH_STR("");
}

/* ---- JSON texts ---- */

static struct gh_str jwk_of(const struct making *m, const struct gh_key *key) {
    struct gh_buf b = gh_buf_make(1 << 16);
    CHECK(gh_jwk_format(key, &b) == GH_OK);
    struct gh_str text = gh_arena_dup(m->a, gh_buf_str(&b));
    gh_buf_release(&b);
    return text;
}

static struct gh_str repeated(const struct making *m, char c, size_t n) {
    char *p = gh_arena_alloc(m->a, n + 1);
    CHECK(p);
    memset(p, c, n);
    return (struct gh_str){ p, n };
}

/* What stands between two @ signs. */
static struct gh_str placeholder(const struct making *m, struct gh_str word) {
    char *text = gh_arena_cstr(m->a, word);
    long long n;
    if (gh_str_is(word, "NOW"))
        return gh_arena_printf(m->a, "%lld", m->now);
    if (sscanf(text, "NOW%lld", &n) == 1)
        return gh_arena_printf(m->a, "%lld", m->now + n);
    if (sscanf(text, "PAD:%lld", &n) == 1)
        return repeated(m, 'A', (size_t)n);
    if (sscanf(text, "NEST:%lld", &n) == 1)
        return join(m->a, repeated(m, '[', (size_t)n), repeated(m, ']', (size_t)n));
    if (gh_str_starts(word, GH_STR("HEX:")))
        return bytes_of_hex(m->a, gh_str_skip(word, 4));
    if (gh_str_is(word, "JWK:X1"))
        return jwk_of(m, m->keys->attacker);
    if (gh_str_is(word, "CERT:X1"))
        return GH_STR("MIIBAAAA"); /* never read: any text does */
    if (gh_str_is(word, "SENTINEL"))
        return GH_STR("https://sentinel.example");
    fail_msg("unknown placeholder %s", text);
    return word;
}

static struct gh_str fill(const struct making *m, struct gh_str text) {
    struct gh_str out = GH_STR(""), head, word;
    while (gh_str_cut(&text, '@', &head)) {
        CHECK(gh_str_cut(&text, '@', &word));
        out = join(m->a, join(m->a, out, head), placeholder(m, word));
    }
    return join(m->a, out, text);
}

static bool is_deleted(const json_t *changes, struct gh_str name) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(changes, "del"), i, item) {
        if (gh_str_is(name, json_string_value(item)))
            return true;
    }
    return false;
}

/* The base members with those of `changes` set or left out. The base is simple text: no comma inside a value
 * but in ["read:models"], which has only one member. */
static struct gh_str members(const struct making *m, struct gh_str base, const json_t *changes) {
    struct gh_str out = GH_STR(""), member, name, value;
    bool more = true;
    for (bool first = true; more;) {
        more = gh_str_cut(&base, ',', &member);
        if (!more)
            member = base;
        value = member;
        CHECK(gh_str_cut(&value, ':', &name));
        name = (struct gh_str){ name.ptr + 1, name.len - 2 };
        if (is_deleted(changes, name))
            continue;
        const json_t *set = json_object_getn(json_object_get(changes, "set"), name.ptr, name.len);
        if (set)
            value = gh_str_from(json_string_value(set));
        out = gh_arena_printf(m->a, "%.*s%s\"%.*s\":%.*s", GH_STR_FMT(out), first ? "" : ",",
                              GH_STR_FMT(name), GH_STR_FMT(value));
        first = false;
    }
    return out;
}

/* One of the two JSON texts. `self` is its name in raw texts: "@H@" or "@C@". */
static struct gh_str json_text(const struct making *m, struct gh_str base, const json_t *changes,
                               const char *self) {
    struct gh_str inner = members(m, base, changes), raw = optional(changes, "raw");
    struct gh_str before = optional(changes, "before"), after = optional(changes, "after");
    if (raw.len) {
        const char *at = strstr(raw.ptr, self);
        CHECK(at || gh_str_is(raw, raw.ptr));
        if (at)
            raw =
                gh_arena_printf(m->a, "%.*s%.*s%s", (int)(at - raw.ptr), raw.ptr, GH_STR_FMT(inner), at + 3);
        return fill(m, raw);
    }
    return fill(m, gh_arena_printf(m->a, "{%.*s%s%.*s%s%.*s}", GH_STR_FMT(before), before.len ? "," : "",
                                   GH_STR_FMT(inner), after.len ? "," : "", GH_STR_FMT(after)));
}

/* ---- signatures ---- */

static struct gh_str hmac(const struct making *m, struct gh_str secret, struct gh_str input) {
    unsigned char *mac = gh_arena_alloc(m->a, 32);
    size_t len = 0;
    static const unsigned char none[1];
    const unsigned char *key = secret.len ? gh_bytes(secret) : none;
    CHECK(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, secret.len, gh_bytes(input), input.len, mac, 32,
                    &len));
    return (struct gh_str){ (char *)mac, len };
}

static struct gh_str spki(const struct making *m) {
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(m->keys->issuer->pkey, &der);
    CHECK(len > 0);
    struct gh_str copy = gh_arena_dup(m->a, (struct gh_str){ (char *)der, (size_t)len });
    OPENSSL_free(der);
    return copy;
}

static struct gh_str pem(const struct making *m) {
    struct gh_str text, out = GH_STR("-----BEGIN PUBLIC KEY-----\n");
    CHECK(gh_b64_encode(m->a, spki(m), &text) == GH_OK);
    for (; text.len; text = gh_str_skip(text, 64))
        out = gh_arena_printf(m->a, "%.*s%.*s\n", GH_STR_FMT(out), (int)(text.len < 64 ? text.len : 64),
                              text.ptr);
    return join(m->a, out, GH_STR("-----END PUBLIC KEY-----\n"));
}

/* The value of n inside our own JWK text. */
static struct gh_str modulus(const struct making *m) {
    struct gh_str jwk = jwk_of(m, m->keys->issuer);
    const char *at = strstr(gh_arena_cstr(m->a, jwk), "\"n\":\"") + 5;
    return (struct gh_str){ at, (size_t)(strchr(at, '"') - at) };
}

static struct gh_str secret_of(const struct making *m, struct gh_str name) {
    if (gh_str_is(name, "pem:K1"))
        return pem(m);
    if (gh_str_is(name, "der:K1"))
        return spki(m);
    if (gh_str_is(name, "jwk:K1"))
        return gh_arena_printf(m->a, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"%.*s\"}",
                               GH_STR_FMT(modulus(m)));
    if (gh_str_is(name, "n:K1")) {
        struct gh_str bytes;
        CHECK(gh_b64url_decode(m->a, modulus(m), &bytes) == GH_OK);
        return bytes;
    }
    if (gh_str_is(name, "empty"))
        return GH_STR("");
    CHECK(gh_str_starts(name, GH_STR("text:")));
    return gh_str_skip(name, 5);
}

/* A signature over any text: our own signer only makes whole tokens. */
static struct gh_str raw_signature(const struct making *m, enum gh_alg alg, EVP_PKEY *pkey,
                                   struct gh_str input) {
    unsigned char made[1024];
    size_t len = sizeof made;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    CHECK(ctx && EVP_DigestSignInit_ex(ctx, &pctx, gh_alg_traits(alg)->digest, NULL, NULL, pkey, NULL) == 1);
    if (gh_alg_traits(alg)->pss)
        CHECK(EVP_PKEY_CTX_ctrl_str(pctx, "rsa_padding_mode", "pss") == 1 &&
              EVP_PKEY_CTX_ctrl_str(pctx, "rsa_pss_saltlen", "digest") == 1);
    CHECK(EVP_DigestSign(ctx, made, &len, gh_bytes(input), input.len) == 1);
    EVP_MD_CTX_free(ctx);
    if (alg != GH_ES256)
        return gh_arena_dup(m->a, (struct gh_str){ (char *)made, len });
    unsigned char raw[64];
    CHECK(gh_ecdsa_from_der((struct gh_str){ (char *)made, len }, 32, raw));
    return gh_arena_dup(m->a, (struct gh_str){ (char *)raw, 64 });
}

static struct gh_str sign(const struct making *m, const json_t *how, struct gh_str input) {
    if (!how)
        return raw_signature(m, GH_RS256, m->keys->issuer->pkey, input);
    if (json_is_string(how)) /* "none" */
        return GH_STR("");
    if (json_object_get(how, "secret"))
        return hmac(m, secret_of(m, text_of(how, "secret")), input);
    struct gh_str key = text_of(how, "key");
    const struct gh_key *found = gh_str_is(key, "K1")   ? m->keys->issuer
                                 : gh_str_is(key, "X1") ? m->keys->attacker
                                                        : m->keys->attacker_ec;
    return raw_signature(m, gh_alg_from_name(text_of(how, "alg")), found->pkey, input);
}

/* ---- operations on the parts ---- */

struct parts {
    struct gh_str json[2]; /* what header and payload encode */
    struct gh_str text[PARTS];
    struct gh_str signature, base_signature, tail;
    size_t count;
    bool flattened;
};

/* JSON text with blanks behind it, so that its length is 1 modulo 3: then two characters of padding follow.
 */
static struct gh_str with_blanks(const struct making *m, struct gh_str json) {
    while (json.len % 3 != 1)
        json = join(m->a, json, GH_STR(" "));
    return json;
}

static struct gh_str stray(const struct making *m, struct gh_str text) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *copy = gh_arena_cstr(m->a, text);
    CHECK(text.len % 4 >= 2);
    copy[text.len - 1] = alphabet[(strchr(alphabet, copy[text.len - 1]) - alphabet) | 1];
    return (struct gh_str){ copy, text.len };
}

static void operate(const struct making *m, const json_t *op, struct parts *p) {
    struct gh_str name = text_of(op, "op"), text = optional(op, "text");
    size_t part = (size_t)json_integer_value(json_object_get(op, "part"));
    size_t at = (size_t)json_integer_value(json_object_get(op, "at"));
    CHECK(part < PARTS);
    struct gh_str *it = &p->text[part];
    if (gh_str_is(name, "set_part"))
        *it = text;
    else if (gh_str_is(name, "drop_part"))
        p->count = part;
    else if (gh_str_is(name, "append"))
        p->tail = join(m->a, p->tail, text);
    else if (gh_str_is(name, "insert"))
        *it = join(m->a, join(m->a, (struct gh_str){ it->ptr, at }, text), gh_str_skip(*it, at));
    else if (gh_str_is(name, "pad"))
        *it = join(m->a, encode(m->a, with_blanks(m, p->json[part])), GH_STR("=="));
    else if (gh_str_is(name, "stray_bits"))
        *it = stray(m, part == 2 ? *it : encode(m->a, with_blanks(m, p->json[part])));
    else if (gh_str_is(name, "sig_from_base"))
        p->text[2] = p->base_signature;
    else if (gh_str_is(name, "sig_bytes_set"))
        p->text[2] = encode(m->a, repeated(m, 0, (size_t)json_integer_value(member_of(op, "repeat"))));
    else if (gh_str_is(name, "sig_bytes_drop_last"))
        p->text[2] = encode(m->a, (struct gh_str){ p->signature.ptr, p->signature.len - 1 });
    else if (gh_str_is(name, "to_flattened_json"))
        p->flattened = true;
    else
        fail_msg("unknown operation %s", name.ptr);
}

static void operate_all(const struct making *m, const json_t *operations, struct parts *p) {
    size_t i;
    json_t *op;
    json_array_foreach(operations, i, op) {
        operate(m, op, p);
    }
}

static struct gh_str assemble(const struct making *m, const struct parts *p) {
    if (p->flattened)
        return gh_arena_printf(m->a, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%.*s\"}",
                               GH_STR_FMT(p->text[0]), GH_STR_FMT(p->text[1]), GH_STR_FMT(p->text[2]));
    struct gh_str token = p->text[0];
    for (size_t i = 1; i < p->count; i++)
        token = join(m->a, join(m->a, token, GH_STR(".")), p->text[i]);
    return join(m->a, token, p->tail);
}

static struct gh_str input_of(const struct making *m, struct gh_str header, struct gh_str payload) {
    return join(m->a, join(m->a, header, GH_STR(".")), payload);
}

struct gh_str recipe_token(struct gh_arena *a, const json_t *base, const json_t *recipe, long long now,
                           const struct recipe_keys *keys) {
    struct making m = { a, now, keys };
    struct gh_str h = text_of(base, "H"), c = text_of(base, "C");
    struct parts p = { .count = PARTS, .tail = GH_STR("") };
    p.json[0] = json_text(&m, h, json_object_get(recipe, "header"), "@H@");
    p.json[1] = json_text(&m, c, json_object_get(recipe, "claims"), "@C@");
    p.text[0] = encode(a, p.json[0]);
    p.text[1] = encode(a, p.json[1]);
    struct gh_str base_input =
        input_of(&m, encode(a, json_text(&m, h, NULL, "@H@")), encode(a, json_text(&m, c, NULL, "@C@")));
    p.base_signature = encode(a, sign(&m, NULL, base_input));

    operate_all(&m, json_object_get(recipe, "presign"), &p);
    struct gh_str signed_payload = p.text[1];
    const json_t *other =
        json_object_get(recipe, "sign_claims"); /* what was signed before somebody changed it */
    if (other)
        signed_payload = encode(a, json_text(&m, c, other, "@C@"));
    p.signature = sign(&m, json_object_get(recipe, "sign"), input_of(&m, p.text[0], signed_payload));
    p.text[2] = encode(a, p.signature);
    operate_all(&m, json_object_get(recipe, "post"), &p);
    return assemble(&m, &p);
}
