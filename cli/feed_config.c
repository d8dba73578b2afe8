#include "cli/feed_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/options.h"
#include "follow/discovery.h"
#include "sys/file.h"

#define FILE_MAX 65536

/* Where a line of the file goes. Those of an issuer follow its `issuer = URL`. */
static const struct {
    const char *name;
    bool of_issuer;
    size_t offset;
} settings[] = {
    { "data", false, offsetof(struct gh_feed_config, data) },
    { "ca-file", false, offsetof(struct gh_feed_config, ca_file) },
    { "jwks", true, offsetof(struct gh_follow, jwks) },
    { "client-id", true, offsetof(struct gh_follow, client_id) },
    { "client-secret-file", true, offsetof(struct gh_follow, client_secret_file) },
};

enum { INTERVAL_MIN = 10, INTERVAL_MAX = 86400 };

static const struct {
    const char *name;
    size_t offset;
} intervals[] = {
    { "organizations", offsetof(struct gh_follow, organizations) },
    { "silence", offsetof(struct gh_follow, silence) },
};

static const char *set_interval(struct gh_feed_config *c, size_t which, const char *value) {
    unsigned long long seconds;
    if (c->count == 0)
        return "belongs behind the line of its issuer";
    long *to = (long *)((char *)&c->issuers[c->count - 1] + intervals[which].offset);
    if (*to)
        return "is set twice";
    if (!gh_str_to_u64(gh_str_from(value), INTERVAL_MAX, &seconds) || seconds < INTERVAL_MIN)
        return "takes seconds, from 10 to 86400";
    *to = (long)seconds;
    return NULL;
}

static int complain(const char *what, const char *why) {
    fprintf(stderr, "gatehouse feed: %s: %s\n", what, why);
    return GH_EXIT_USAGE + 1;
}

static int complain_line(const char *file, int line, const char *why) {
    fprintf(stderr, "gatehouse feed: %s:%d: %s\n", file, line, why);
    return GH_EXIT_USAGE + 1;
}

static const char *add_issuer(struct gh_feed_config *c, const char *issuer) {
    if (c->count == GH_FOLLOW_MAX)
        return "more issuers than 64";
    c->issuers[c->count++] = (struct gh_follow){ .issuer = issuer };
    return NULL;
}

/* NULL, or what is wrong with it. */
static const char *set(struct gh_feed_config *c, struct gh_str name, const char *value) {
    if (gh_str_is(name, "issuer"))
        return add_issuer(c, value);
    for (size_t i = 0; i < GH_COUNT(intervals); i++)
        if (gh_str_is(name, intervals[i].name))
            return set_interval(c, i, value);
    for (size_t i = 0; i < GH_COUNT(settings); i++) {
        if (!gh_str_is(name, settings[i].name))
            continue;
        if (settings[i].of_issuer && c->count == 0)
            return "belongs behind the line of its issuer";
        char *base = settings[i].of_issuer ? (char *)&c->issuers[c->count - 1] : (char *)c;
        const char **to = (const char **)(base + settings[i].offset);
        if (*to)
            return "is set twice";
        *to = value;
        return NULL;
    }
    return "is not a setting";
}

static int read_file(struct gh_arena *a, const char *file, struct gh_feed_config *ret) {
    struct gh_str rest, line, name;
    enum gh_err e = gh_file_read(a, file, FILE_MAX, &rest);
    if (e)
        return complain(file, gh_err_text(e));
    for (int number = 1; rest.len > 0; number++) {
        if (!gh_str_cut(&rest, '\n', &line)) {
            line = rest;
            rest.len = 0;
        }
        struct gh_str value = gh_str_trim(line);
        if (value.len == 0 || value.ptr[0] == '#')
            continue;
        if (!gh_str_cut(&value, '=', &name))
            return complain_line(file, number, "expected name = value");
        char *text = gh_arena_cstr(a, gh_str_trim(value));
        const char *why = text ? set(ret, gh_str_trim(name), text) : "out of memory";
        if (why)
            return complain_line(file, number, why);
    }
    return 0;
}

static bool is_private(const char *file) {
    struct stat st;
    return stat(file, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) == 0;
}

static int check_issuer(struct gh_arena *a, const struct gh_feed_config *c, size_t at) {
    const struct gh_follow *f = &c->issuers[at];
    char path[PATH_MAX], other[PATH_MAX];
    struct gh_str url;
    if (gh_discovery_url(a, GH_DISCOVERY_OPENID, gh_str_from(f->issuer), &url) ||
        gh_follow_path(c->data, f->issuer, "", path))
        return complain(f->issuer, "an issuer is https://HOST[:PORT][/PATH], without query and fragment");
    if (f->jwks && !gh_str_starts(gh_str_from(f->jwks), GH_STR("https://")))
        return complain(f->jwks, "keys are fetched over https only");
    if (!f->client_id != !f->client_secret_file)
        return complain(f->issuer, "client-id and client-secret-file belong together");
    if ((f->organizations || f->silence) && !f->client_id)
        return complain(f->issuer,
                        "organizations and silence are for a machine client: client-id is missing");
    if (f->client_id && !is_private(f->client_secret_file))
        return complain(f->client_secret_file, "is not there, or others may read it; chmod 600 it");
    for (size_t i = 0; i < at; i++)
        if (gh_follow_path(c->data, c->issuers[i].issuer, "", other) == GH_OK && strcmp(path, other) == 0)
            return complain(f->issuer, "has the same feed file as another issuer");
    return 0;
}

int gh_feed_config_read(struct gh_arena *a, int argc, char **argv, struct gh_feed_config *ret) {
    const char *file = NULL;
    struct gh_option_list issuers = { 0 };
    struct gh_feed_config c = { 0 }, flags = { 0 };
    const struct gh_option options[] = {
        { "config", 'c', GH_OPTION_TEXT, &file, "FILE", "lines `name = value`; # starts a comment" },
        { "data", 'd', GH_OPTION_TEXT, &flags.data, "DIR", "the folder of the feeds; made when absent" },
        { "issuer", 'i', GH_OPTION_LIST, &issuers, "URL", "an issuer to follow; may be repeated" },
        { "ca-file", 0, GH_OPTION_TEXT, &flags.ca_file, "FILE", "the certificates to trust (SSL_CERT_FILE)" },
        { 0 },
    };
    int stop =
        gh_options_parse(options, "feed --data DIR --issuer URL ... | --config FILE",
                         "Keeps the keys of token issuers in files that the gateway reads, until SIGTERM.",
                         argc, argv, 0, NULL);
    if (!stop && file)
        stop = read_file(a, file, &c);
    for (size_t i = 0; i < issuers.count && !stop; i++) {
        const char *why = add_issuer(&c, issuers.values[i]);
        stop = why ? complain("--issuer", why) : 0;
    }
    if (stop)
        return stop;
    c.data = flags.data ? flags.data : c.data;
    c.ca_file = flags.ca_file ? flags.ca_file : c.ca_file ? c.ca_file : getenv("SSL_CERT_FILE");
    if (!c.data)
        return complain("--data", "is needed: the folder of the feeds");
    if (c.count == 0)
        return complain("--issuer", "is needed: nobody is to be followed");
    for (size_t i = 0; i < c.count && !stop; i++) {
        c.issuers[i].data = c.data;
        c.issuers[i].ca_file = c.ca_file;
        stop = check_issuer(a, &c, i);
    }
    *ret = c;
    return stop;
}
