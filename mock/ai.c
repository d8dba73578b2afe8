#include "mock/ai.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <time.h>

#include "mock/completion.h"

/* One thread a connection: the stream of one caller may wait without holding up another's. */
#define MODE (MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL)
#define DELAY_MAX 5000 /* milliseconds between two events */

struct gh_mock_ai {
    struct MHD_Daemon *daemon;
};

struct request {
    struct gh_buf body;
};

/* A stream on its way: one event goes out at a time. */
struct stream {
    struct gh_buf text;
    size_t at;
    long delay; /* milliseconds before each event but the first */
};

static const char *header(struct MHD_Connection *c, const char *name) {
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* Every value of every header, by its name in lower case. */
static enum MHD_Result collect_header(void *closure, enum MHD_ValueKind kind, const char *name,
                                      const char *value) {
    json_t *headers = closure;
    char lower[128];
    size_t n = 0;
    for (; name[n] && n < sizeof(lower) - 1; n++)
        lower[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] - 'A' + 'a' : name[n]);
    lower[n] = '\0';
    json_t *values = json_object_get(headers, lower);
    if (!values) {
        values = json_array();
        json_object_set_new(headers, lower, values);
    }
    json_array_append_new(values, json_string(value ? value : ""));
    return MHD_YES;
}

/* "gatehouse": who the gateway says is calling, and all headers as they arrived; NULL when nobody asks. */
static json_t *make_echo(struct MHD_Connection *c) {
    /* clang-format off */
    static const struct { const char *member, *header; } identity[] = {
        { "subject",      "X-Gatehouse-Subject"      },
        { "organization", "X-Gatehouse-Organization" },
        { "client",       "X-Gatehouse-Client"       },
        { "permissions",  "X-Gatehouse-Permissions"  },
        { "request_id",   "X-Gatehouse-Request-Id"   },
    };
    /* clang-format on */
    const char *asked = header(c, "X-Mock-Echo");
    if (!asked || strcmp(asked, "1") != 0)
        return NULL;
    json_t *echo = json_object(), *headers = json_object();
    for (size_t i = 0; i < GH_COUNT(identity); i++) {
        const char *value = header(c, identity[i].header);
        json_object_set_new(echo, identity[i].member, value ? json_string(value) : json_null());
    }
    MHD_get_connection_values(c, MHD_HEADER_KIND, collect_header, headers);
    json_object_set_new(echo, "headers", headers);
    return echo;
}

static ssize_t next_event(void *closure, uint64_t position, char *to, size_t room) {
    struct stream *s = closure;
    struct gh_str rest = gh_str_skip(gh_buf_str(&s->text), s->at);
    if (rest.len == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;

    bool starts = s->at == 0 || (s->at >= 2 && rest.ptr[-1] == '\n' && rest.ptr[-2] == '\n');
    if (starts && s->at > 0 && s->delay > 0) {
        struct timespec pause = { s->delay / 1000, s->delay % 1000 * 1000000 };
        nanosleep(&pause, NULL);
    }

    const char *end = memmem(rest.ptr, rest.len, "\n\n", 2);
    size_t n = end ? (size_t)(end - rest.ptr) + 2 : rest.len;
    n = n < room ? n : room;
    memcpy(to, rest.ptr, n);
    s->at += n;
    return (ssize_t)n;
}

static void free_stream(void *closure) {
    struct stream *s = closure;
    gh_buf_release(&s->text);
    free(s);
}

static struct MHD_Response *stream_response(struct MHD_Connection *c, struct gh_mock_answer *answer) {
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    const char *delay = header(c, "X-Mock-Delay");
    unsigned long long ms;
    if (delay && gh_str_to_u64(gh_str_from(delay), DELAY_MAX, &ms))
        s->delay = (long)ms;
    s->text = answer->text;
    answer->text = gh_buf_make(0);
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, next_event, s, free_stream);
}

static enum MHD_Result send_answer(struct MHD_Connection *c, struct gh_mock_answer *answer) {
    struct MHD_Response *response = NULL;
    if (!answer->text.failed)
        response = answer->stream ? stream_response(c, answer)
                                  : MHD_create_response_from_buffer(answer->text.len, answer->text.ptr,
                                                                    MHD_RESPMEM_MUST_COPY);
    gh_buf_release(&answer->text);
    if (!response)
        return MHD_NO; /* closes the connection: out of memory */
    MHD_add_response_header(response, "Content-Type",
                            answer->stream ? "text/event-stream" : "application/json");
    if (answer->stream)
        MHD_add_response_header(response, "Cache-Control", "no-cache");
    enum MHD_Result queued = MHD_queue_response(c, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

static void route(const char *method, const char *url, struct request *request, json_t *echo,
                  struct gh_mock_answer *ret) {
    static const char models[] = "/v1/models", chat[] = "/v1/chat/completions";
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    bool is_model = strncmp(url, models, sizeof(models) - 1) == 0 && url[sizeof(models) - 1] == '/' &&
                    url[sizeof(models)] != '\0';

    *ret = (struct gh_mock_answer){ .text = gh_buf_make(65536) };
    if (strcmp(url, chat) == 0 && strcmp(method, "POST") == 0)
        gh_mock_chat(gh_buf_str(&request->body), echo, ret);
    else if (strcmp(url, models) == 0 && get)
        gh_mock_models(echo, ret);
    else if (is_model && get)
        gh_mock_model(gh_str_from(url + sizeof(models)), echo, ret);
    else if (strcmp(url, chat) == 0 || strcmp(url, models) == 0 || is_model)
        gh_mock_error(405, "method_not_supported", NULL, "This method is not allowed on this URL.", ret);
    else
        gh_mock_error(404, "unknown_url", NULL, "Unknown request URL.", ret);
}

static enum MHD_Result handle(void *closure, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state) {
    struct request *request = *state;
    struct gh_mock_answer answer;
    if (!request) { /* headers are here, the body is not */
        request = calloc(1, sizeof(*request));
        if (!request)
            return MHD_NO;
        request->body = gh_buf_make(GH_MOCK_BODY_MAX);
        *state = request;
        return MHD_YES;
    }
    if (*size > 0) {
        gh_buf_add(&request->body, (struct gh_str){ data, *size });
        *size = 0;
        return MHD_YES;
    }
    if (request->body.failed) {
        answer = (struct gh_mock_answer){ .text = gh_buf_make(65536) };
        gh_mock_error(413, "request_too_large", NULL, "The request body is too large.", &answer);
    } else {
        json_t *echo = make_echo(c);
        route(method, url, request, echo, &answer);
        json_decref(echo);
    }
    return send_answer(c, &answer);
}

static void completed(void *closure, struct MHD_Connection *c, void **state,
                      enum MHD_RequestTerminationCode how) {
    struct request *request = *state;
    if (request)
        gh_buf_release(&request->body);
    free(request);
    *state = NULL;
}

enum gh_err gh_mock_ai_start(int listening, struct gh_mock_ai **ret) {
    struct gh_mock_ai *m = calloc(1, sizeof(*m));
    if (!m)
        return GH_ERR_NOMEM;
    m->daemon = MHD_start_daemon(MODE, 0, NULL, NULL, handle, NULL, MHD_OPTION_LISTEN_SOCKET, listening,
                                 MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_END);
    if (!m->daemon) {
        free(m);
        return GH_ERR_IO;
    }
    *ret = m;
    return GH_OK;
}

void gh_mock_ai_stop(struct gh_mock_ai *m) {
    if (!m)
        return;
    MHD_stop_daemon(m->daemon);
    free(m);
}
