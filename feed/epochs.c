#include "feed/epochs.h"

/* An absent part of a token has no epoch of its own; asking for the empty name would find another token's. */
static enum gh_err one(const struct gh_feed *f, enum gh_epoch_kind kind, struct gh_str a, struct gh_str b,
                       long long *ret) {
    *ret = 0;
    return a.len == 0 && kind != GH_EPOCH_GLOBAL ? GH_OK : gh_feed_epoch(f, kind, a, b, ret);
}

enum gh_err gh_feed_epochs_of(const struct gh_feed *f, const struct gh_claims *claims, struct gh_str audience,
                              struct gh_epochs *ret) {
    const struct gh_str none = { 0 }, user = claims->subject, organization = claims->organization;
    struct gh_epochs epochs;
    long long suspended;
    const struct {
        enum gh_epoch_kind kind;
        struct gh_str a, b;
        long long *to;
    } rows[] = {
        { GH_EPOCH_GLOBAL, none, none, &epochs.global },
        { GH_EPOCH_USER, user, none, &epochs.user },
        { GH_EPOCH_ORGANIZATION, organization, none, &epochs.organization },
        { GH_EPOCH_CLIENT, claims->client, none, &epochs.client },
        { GH_EPOCH_MEMBER, organization, user, &epochs.member },
        { GH_EPOCH_GRANT, claims->client, user, &epochs.grant },
        { GH_EPOCH_AUDIENCE, audience, none, &epochs.audience },
        { GH_EPOCH_TOKEN, claims->token_id, none, &epochs.token },
        { GH_EPOCH_SUSPENDED, organization, none, &suspended },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        enum gh_err e = one(f, rows[i].kind, rows[i].a, rows[i].b, rows[i].to);
        if (e)
            return e;
    }
    epochs.organization_suspended = suspended != 0;
    *ret = epochs;
    return GH_OK;
}

enum gh_err gh_feed_revoke(struct gh_feed_writer *w, enum gh_epoch_kind kind, struct gh_str a,
                           struct gh_str b, long long epoch, long long global) {
    const struct gh_str none = { 0 };
    enum gh_err e = gh_feed_set_epoch(w, kind, a, b, epoch);
    return e ? gh_feed_set_epoch(w, GH_EPOCH_GLOBAL, none, none, global) : GH_OK;
}

void gh_feed_epochs_join(struct gh_epochs *to, const struct gh_epochs *more) {
    long long *const into[] = { &to->global, &to->user,  &to->organization, &to->client,
                                &to->member, &to->grant, &to->audience,     &to->token };
    const long long from[] = { more->global, more->user,  more->organization, more->client,
                               more->member, more->grant, more->audience,     more->token };
    for (size_t i = 0; i < GH_COUNT(into); i++)
        if (from[i] > *into[i])
            *into[i] = from[i];
    to->organization_suspended |= more->organization_suspended;
}
