#include "tenant/health.h"

#include "feed/feed.h"
#include "tenant/keys.h"
#include "tenant/record.h"

/* Alive: the event loop answers. Nothing else is asked, so that a restart is never the answer to a full
 * disk. */
static void healthz(struct gh_exchange *x) {
    gh_respond_json(x, 200, json_pack("{s:s}", "status", "ok"));
}

static enum gh_err store_answers(struct gh_exchange *x) {
    json_t *settings = NULL;
    enum gh_err e = gh_settings_get(x->db, &settings);
    json_decref(settings);
    return e;
}

static enum gh_err feed_answers(struct gh_exchange *x) {
    long long epoch;
    return gh_feed_epoch(x->tenant->feed, GH_EPOCH_GLOBAL, (struct gh_str){ 0 }, (struct gh_str){ 0 },
                         &epoch);
}

/* Ready: what every token needs is there. Which part is missing is told to whoever asks: the address is the
 * operator's own. */
static void readyz(struct gh_exchange *x) {
    enum gh_err store = store_answers(x), feed = feed_answers(x);
    gh_respond_json(x, store || feed ? 503 : 200,
                    json_pack("{s:s, s:s, s:s}", "status", store || feed ? "unavailable" : "ok", "store",
                              gh_err_name(store), "feed", gh_err_name(feed)));
}

const struct gh_route gh_health_routes[] = {
    { GH_GET, "/healthz", healthz },
    { GH_GET, "/readyz", readyz },
};
const size_t gh_health_route_count = GH_COUNT(gh_health_routes);
