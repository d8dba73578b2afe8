#include <string.h>

#include "core/arena.h"
#include "core/limits.h"
#include "fuzz/fuzz.h"
#include "gateway/token_record.h"

/* A record is memory that other processes write: any bytes may stand there. What reads as claims is a copy,
 * no longer than the record can spell, keeps to the limits, and writes and reads as the same claims again. */
static const struct gh_str names[] = { { "https://a.example/", 18 }, { "https://b.example/", 18 } };

static size_t copied(struct gh_str part, const uint8_t *data, size_t size) {
    MUST(part.len == 0 || part.ptr + part.len <= (const char *)data || part.ptr >= (const char *)data + size);
    return part.len;
}

static bool same(const struct gh_claims *a, const struct gh_claims *b) {
    if (a->permission_count != b->permission_count || a->has_permissions != b->has_permissions ||
        a->has_issued_at != b->has_issued_at || a->issued_at != b->issued_at ||
        a->expires_at != b->expires_at || a->not_before != b->not_before)
        return false;
    for (size_t i = 0; i < a->permission_count; i++)
        if (!gh_str_eq(a->permissions[i], b->permissions[i]))
            return false;
    return gh_str_eq(a->issuer, b->issuer) && gh_str_eq(a->subject, b->subject) &&
           gh_str_eq(a->client, b->client) && gh_str_eq(a->organization, b->organization) &&
           gh_str_eq(a->token_id, b->token_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 18);
    const struct gh_token_scope scope = { names, 2, names, 2 };
    struct gh_str record = { (const char *)data, size };
    struct gh_claims claims = { 0 }, again = { 0 };
    unsigned char written[GH_TOKEN_RECORD_MAX];

    if (gh_token_record_read(a, record, &scope, &claims) != GH_OK)
        return 0;
    size_t length = copied(claims.subject, data, size) + copied(claims.client, data, size) +
                    copied(claims.organization, data, size) + copied(claims.token_id, data, size);
    MUST(claims.permission_count <= GH_LIMIT_PERMISSIONS && claims.audience_count <= scope.audience_count);
    for (size_t i = 0; i < claims.permission_count; i++)
        length += copied(claims.permissions[i], data, size);
    MUST(length <= size * 4 / 3 + 30);
    for (size_t i = 0; i < claims.audience_count; i++)
        MUST(gh_str_eq(claims.audiences[i], names[0]) || gh_str_eq(claims.audiences[i], names[1]));
    MUST(claims.issued_at >= 0 && claims.issued_at <= GH_LIMIT_NUMERIC_DATE &&
         claims.expires_at >= claims.issued_at && claims.expires_at <= GH_LIMIT_NUMERIC_DATE);

    length = gh_token_record_write(&scope, &claims, written);
    if (length == 0)
        return 0; /* numbers may be written longer than need be: then it was larger than we write */
    struct gh_str shorter = { (const char *)written, length };
    MUST(gh_token_record_read(a, shorter, &scope, &again) == GH_OK && same(&claims, &again));
    return 0;
}
