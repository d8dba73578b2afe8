#include "tenant/oauth/authorization.h"

#include "core/limits.h"
#include "sys/clock.h"
#include "sys/random.h"
#include "tenant/record.h"
#include "tenant/seal.h"

#define FIELD(name)                                                                                          \
    { #name, offsetof(struct gh_authorization, name) }
static const struct {
    const char *name;
    size_t at;
} texts[] = { FIELD(client_id),     FIELD(redirect_uri),
              FIELD(response_mode), FIELD(state),
              FIELD(nonce),         FIELD(scope),
              FIELD(audience),      FIELD(code_challenge),
              FIELD(login_hint),    FIELD(organization_id),
              FIELD(connection_id), FIELD(user_id),
              FIELD(sid),           FIELD(jti),
              FIELD(prompt),        FIELD(max_age),
              FIELD(device) },
  numbers[] = { FIELD(auth_time), FIELD(access_expires) },
  flags[] = { FIELD(redirect_given), FIELD(ask_organization), FIELD(pick_organization) };
#undef FIELD

static const void *field(const struct gh_authorization *auth, size_t at) {
    return (const char *)auth + at;
}

static bool set(json_t *doc, const char *name, json_t *value) {
    return json_object_set_new(doc, name, value) == 0;
}

enum gh_err gh_authorization_format(struct gh_arena *a, const struct gh_authorization *auth,
                                    struct gh_str *ret) {
    json_auto_t *doc = json_object();
    bool fine = doc != NULL;
    for (size_t i = 0; fine && i < GH_COUNT(texts); i++) {
        const struct gh_str *s = field(auth, texts[i].at);
        fine = s->len == 0 || set(doc, texts[i].name, json_stringn(s->ptr, s->len));
    }
    for (size_t i = 0; fine && i < GH_COUNT(numbers); i++)
        fine = set(doc, numbers[i].name, json_integer(*(const long long *)field(auth, numbers[i].at)));
    for (size_t i = 0; fine && i < GH_COUNT(flags); i++)
        fine = set(doc, flags[i].name, json_boolean(*(const bool *)field(auth, flags[i].at)));

    size_t size = fine ? json_dumpb(doc, NULL, 0, JSON_COMPACT) : 0;
    char *text = size > 0 ? gh_arena_alloc(a, size + 1) : NULL;
    if (!text || json_dumpb(doc, text, size, JSON_COMPACT) != size)
        return GH_ERR_NOMEM;
    *ret = (struct gh_str){ text, size };
    return GH_OK;
}

/* What cannot be read here is a damaged store, not a bad request. */
enum gh_err gh_authorization_parse(struct gh_arena *a, struct gh_str json, struct gh_authorization *ret) {
    json_auto_t *doc = json_loadb(json.ptr, json.len, 0, NULL);
    if (!json_is_object(doc))
        return GH_ERR_STORAGE;
    *ret = (struct gh_authorization){ 0 };
    for (size_t i = 0; i < GH_COUNT(texts); i++) {
        struct gh_str s = gh_doc_string(doc, texts[i].name),
                      *to = (struct gh_str *)((char *)ret + texts[i].at);
        if (s.len > 0 && !(*to = gh_arena_dup(a, s)).ptr)
            return GH_ERR_NOMEM;
    }
    for (size_t i = 0; i < GH_COUNT(numbers); i++)
        *(long long *)((char *)ret + numbers[i].at) = gh_doc_int(doc, numbers[i].name, 0);
    for (size_t i = 0; i < GH_COUNT(flags); i++)
        *(bool *)((char *)ret + flags[i].at) = gh_doc_bool(doc, flags[i].name, false);
    return GH_OK;
}

enum gh_err gh_code_make(struct gh_db *db, struct gh_arena *a, const struct gh_authorization *auth,
                         struct gh_str *ret) {
    struct gh_str code, hash, doc, organization = auth->organization_id;
    long long now = gh_clock_milliseconds();
    enum gh_err e = gh_random_urlsafe(a, 43, &code);
    if (!e)
        e = gh_token_hash(a, code, &hash);
    if (!e)
        e = gh_authorization_format(a, auth, &doc);
    /* A spent code is kept for a while: its replay must be seen (RFC 6749 4.1.2). */
    if (!e)
        e = gh_db_run(db, GH_SQL_CODE_PURGE, GH_BINDS(GH_INT("before", now - 24 * 3600 * 1000LL)), NULL);
    if (!e)
        e = gh_db_run(
            db, GH_SQL_CODE_INSERT,
            GH_BINDS(GH_TEXT("hash", hash), GH_TEXT("client", auth->client_id),
                     GH_TEXT("user", auth->user_id),
                     organization.len > 0 ? GH_TEXT("organization", organization) : GH_NULL("organization"),
                     GH_INT("expires_at", now + GH_LIMIT_CODE_SECONDS * 1000LL), GH_TEXT("doc", doc)),
            NULL);
    if (!e)
        *ret = code;
    return e;
}
