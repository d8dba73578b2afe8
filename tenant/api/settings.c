/* tenant/api/settings.c - tenant settings: one document; PATCH merges, and `flags` and `sessions` merge key
 * by key; unknown flags are echoed (notes b.8). */
#include "tenant/api/collection.h"

static enum gh_err answer(struct gh_db *db, struct gh_call *c) {
    json_t *settings = NULL;
    enum gh_err e = gh_settings_get(db, &settings);
    if (e)
        return e;
    gh_paging_project(c, settings, NULL);
    return gh_call_answer(c, settings);
}

enum gh_err gh_settings_get_handler(struct gh_db *db, struct gh_call *c) {
    return answer(db, c);
}

static enum gh_err merge(json_t *settings, const json_t *patch) {
    static const char *const by_key[] = { "flags", "sessions" };
    json_auto_t *top = json_copy((json_t *)patch);
    if (!top)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < GH_COUNT(by_key); i++) {
        json_t *part = json_object_get(patch, by_key[i]), *own = json_object_get(settings, by_key[i]);
        if (!json_is_object(part) || !json_is_object(own))
            continue;
        enum gh_err e = gh_doc_merge(own, part);
        if (e)
            return e;
        json_object_del(top, by_key[i]);
    }
    return gh_doc_merge(settings, top);
}

/* Lifetimes may be told in minutes; they are kept in hours, with fractions (recorded: 3.0166…). */
static enum gh_err minutes_to_hours(json_t *settings) {
    static const char *const pairs[][2] = { { "session_lifetime_in_minutes", "session_lifetime" },
                                            { "idle_session_lifetime_in_minutes", "idle_session_lifetime" } };
    for (size_t i = 0; i < GH_COUNT(pairs); i++) {
        const json_t *minutes = json_object_get(settings, pairs[i][0]);
        if (!json_is_number(minutes))
            continue;
        double hours = json_number_value(minutes) / 60;
        bool whole = hours == (double)(json_int_t)hours;
        json_t *value = whole ? json_integer((json_int_t)hours) : json_real(hours);
        if (json_object_set_new(settings, pairs[i][1], value))
            return GH_ERR_NOMEM;
        json_object_del(settings, pairs[i][0]);
    }
    return GH_OK;
}

enum gh_err gh_settings_update(struct gh_db *db, struct gh_call *c) {
    json_auto_t *settings = NULL;
    struct gh_str text;
    enum gh_err e = gh_settings_get(db, &settings);
    if (!e)
        e = merge(settings, c->body);
    if (!e)
        e = minutes_to_hours(settings);
    if (!e)
        e = gh_doc_dump(c, settings, &text);
    if (!e)
        e = gh_db_run(db, GH_SQL_SETTING_PUT,
                      GH_BINDS(GH_TEXT("name", GH_STR("tenant")), GH_TEXT("doc", text)), NULL);
    return e ? e : answer(db, c);
}
