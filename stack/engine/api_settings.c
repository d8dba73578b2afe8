#include <stdlib.h>
#include <string.h>

#include "stack/engine/api.h"

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* A host, perhaps in brackets, perhaps with a port; nothing else may reach a URL. */
static bool is_host(struct gh_str s) {
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
    for (size_t i = 0; i < s.len; i++)
        if (!s.ptr[i] || !strchr(good, s.ptr[i]))
            return false;
    return s.len > 0 && s.len < 256;
}

const char *gh_api_settings_from_environment(struct gh_arena *a, struct gh_api_settings *ret) {
    const char *domain = variable("AUTH0_DOMAIN");
    *ret = (struct gh_api_settings){
        .client_id = variable("AUTH0_CLIENT_ID"),
        .client_secret = variable("AUTH0_CLIENT_SECRET"),
        .token = variable("AUTH0_API_TOKEN"),
        .audience = variable("AUTH0_AUDIENCE"),
        .ca_file = variable("SSL_CERT_FILE"),
    };
    if (!domain)
        return "AUTH0_DOMAIN is not set: it names the tenant, for instance acme.eu.auth0.com; `gatehouse dev "
               "--env-file "
               "FILE` writes a file to source";
    struct gh_str host = gh_str_from(domain);
    if (gh_str_starts(host, GH_STR("http://")))
        return "AUTH0_DOMAIN begins with http://, but a tenant is spoken to over https only";
    if (gh_str_starts(host, GH_STR("https://")))
        host = gh_str_skip(host, 8);
    while (host.len && host.ptr[host.len - 1] == '/')
        host.len--;
    if (!is_host(host))
        return "AUTH0_DOMAIN is not a host name with an optional port";
    ret->domain = gh_arena_cstr(a, host);
    if (!ret->domain)
        return "out of memory";
    if (!ret->token && !ret->client_id)
        return "AUTH0_CLIENT_ID is not set (nor AUTH0_API_TOKEN): the client that may use the Management API";
    if (!ret->token && !ret->client_secret)
        return "AUTH0_CLIENT_SECRET is not set (nor AUTH0_API_TOKEN): the secret of the client in "
               "AUTH0_CLIENT_ID";
    return NULL;
}

bool gh_api_is_loopback(const char *domain) {
    struct gh_str host = gh_str_from(domain), rest = host, head;
    if (gh_str_starts(host, GH_STR("[::1]")))
        return host.len == 5 || host.ptr[5] == ':';
    if (gh_str_cut(&rest, ':', &head))
        host = head;
    if (gh_str_eq_nocase(host, GH_STR("localhost")))
        return true;
    size_t tail = sizeof ".localhost" - 1;
    if (host.len > tail && gh_str_eq_nocase(gh_str_skip(host, host.len - tail), GH_STR(".localhost")))
        return true;
    /* 127.x.y.z in digits and dots only: 127.evil.example is somebody's name */
    if (!gh_str_starts(host, GH_STR("127.")))
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!strchr("0123456789.", host.ptr[i]))
            return false;
    return true;
}

unsigned gh_api_retry_seconds(struct gh_str retry_after, struct gh_str reset, long long now) {
    unsigned long long n;
    unsigned seconds = 5; /* neither header: what the providers wait */
    if (gh_str_to_u64(gh_str_trim(retry_after), 3600, &n))
        seconds = (unsigned)n;
    else if (gh_str_to_u64(gh_str_trim(reset), 1ULL << 40, &n))
        seconds = (long long)n > now ? (unsigned)((long long)n - now) : 1;
    return seconds < 1 ? 1 : seconds > 60 ? 60 : seconds;
}

unsigned gh_api_budget_wait(const struct gh_api_budget *b, unsigned under_way, long long now) {
    long long headroom = b->limit * 3 / 10, left = b->remaining - (long long)under_way;
    if (b->limit <= 0 || b->reset <= now || left > headroom)
        return 0;
    return b->reset - now > 60 ? 60 : (unsigned)(b->reset - now);
}
