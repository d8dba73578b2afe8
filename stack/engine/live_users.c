#include "stack/engine/live_users.h"

#include <string.h>

#include "core/buf.h"
#include "core/cleanup.h"

enum {
    AT_ONCE = 100,     /* of one answer: the largest page */
    QUERY_MAX = 3900,  /* bytes of the query before its encoding */
    TARGET_MAX = 7000, /* and of the encoded target: servers take 8 KiB */
};

/* '"' ends the text, '\' begins an escape; controls are in no id. */
bool gh_live_users_may_search(const char *id) {
    for (const char *c = id; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            return false;
    return *id && strlen(id) < 256;
}

static void add_encoded(struct gh_buf *out, const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++)
        if (strchr(plain, *text))
            gh_buf_add_char(out, *text);
        else
            gh_buf_addf(out, "%%%02X", (unsigned char)*text);
}

static void add_id(struct gh_buf *out, const char *id, bool first) {
    add_encoded(out, first ? "user_id:(" : " OR ");
    add_encoded(out, "\"");
    add_encoded(out, id);
    add_encoded(out, "\"");
}

enum gh_err gh_live_users_search(struct gh_api *api, json_t *waiting, const char *id, json_t **ret,
                                 struct gh_api_reply *reply) {
    gh_auto(gh_buf_release) struct gh_buf path = gh_buf_make(16384);
    size_t count = 1, query = strlen(id);
    const char *other;
    void *next;
    json_t *mark;
    gh_buf_addf(&path, "/users?search_engine=v3&per_page=%d&q=", AT_ONCE);
    add_id(&path, id, true);
    json_object_del(waiting, id);
    json_object_foreach_safe(waiting, next, other, mark) {
        query += strlen(other) + sizeof "\"\" OR ";
        if (count == AT_ONCE || query > QUERY_MAX || path.len + 3 * strlen(other) > TARGET_MAX)
            break;
        add_id(&path, other, false);
        json_object_del(waiting, other);
        count++;
    }
    add_encoded(&path, ")");
    if (path.failed)
        return GH_ERR_NOMEM;
    if (count == 1)
        return GH_OK;
    enum gh_err e = gh_api_call(api, "GET", path.ptr, NULL, reply);
    if (e)
        return e;
    *ret = json_is_array(reply->body) ? json_incref(reply->body) : NULL;
    gh_api_reply_release(reply);
    return *ret ? GH_OK : GH_ERR_MALFORMED;
}
