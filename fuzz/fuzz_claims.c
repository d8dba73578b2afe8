#include "core/decide.h"
#include "core/limits.h"
#include "fuzz/fuzz.h"

static bool is_name(struct gh_str s) {
    return s.len == 0 || !memchr(s.ptr, 0, s.len);
}

/* Whatever the claims say: their own issuer and audience are found again, another organization and another
 * permission never. */
static void judge(const struct gh_claims *c) {
    static const struct gh_epochs never = { 0 };
    struct gh_str other =
        GH_STR("\x01 in no text"); /* a raw control character: no claim can hold it raw ... */
    struct gh_policy p = { .issuer = c->issuer,
                           .audience = c->audience_count ? c->audiences[0] : (struct gh_str){ 0 },
                           .organization_rule = GH_ORG_OPTIONAL };
    struct gh_decision d = gh_decide(&p, c, &never, c->expires_at - 1);
    if (p.issuer.len && p.audience.len)
        MUST(d.err == GH_OK || d.err == GH_ERR_NOT_YET);
    else
        MUST(d.err != GH_OK);
    MUST(gh_decide(&p, c, &never, c->expires_at).err != GH_OK);

    p.organization_rule = GH_ORG_EXACTLY;
    p.organization = other;
    if (!gh_str_eq(c->organization, other)) /* ... but an escaped one */
        MUST(gh_decide(&p, c, &never, c->expires_at - 1).err != GH_OK);
    p.organization_rule = GH_ORG_UNSET;
    MUST(gh_decide(&p, c, &never, c->expires_at - 1).err != GH_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 18);
    struct gh_claims c;

    if (gh_claims_parse(a, (struct gh_str){ (const char *)data, size }, &c) != GH_OK)
        return 0;
    MUST(c.expires_at >= 0 && c.expires_at <= GH_LIMIT_NUMERIC_DATE && c.not_before >= 0);
    MUST(c.audience_count <= GH_LIMIT_AUDIENCES && c.permission_count <= GH_LIMIT_PERMISSIONS);
    MUST(c.has_permissions || c.permission_count == 0);
    MUST(is_name(c.issuer) && is_name(c.subject) && is_name(c.organization) && is_name(c.client));
    for (size_t i = 0; i < c.permission_count; i++)
        MUST(is_name(c.permissions[i]));
    judge(&c);
    return 0;
}
