/* A registrar that writes down what a program asks for, one line each, and answers from its inputs. */
#pragma once
#include <stdlib.h>
#include <string.h>

#include "stack/config.h"
#include "stack/program.h"
#include "tests/check.h"

struct recorder {
    struct gh_buf log;
    bool preview;     /* ids are unknown */
    const char *fail; /* the resource that fails */
};

static enum gh_err recorder_register(void *context, const struct gh_registration *r, struct gh_diagnostics *d,
                                     json_t **outputs) {
    struct recorder *rec = context;
    char *inputs = json_dumps(r->inputs, JSON_COMPACT | JSON_SORT_KEYS);
    gh_buf_addf(&rec->log, "%s %s %s", r->name, strrchr(r->type, ':') + 1, inputs);
    free(inputs);
    for (size_t i = 0; i < r->depends_on_count; i++)
        gh_buf_addf(&rec->log, "%s%s", i ? "," : " <- ", r->depends_on[i]);
    gh_buf_add_char(&rec->log, '\n');
    if (rec->fail && strcmp(rec->fail, r->name) == 0) {
        gh_diagnose(d, GH_SEVERITY_ERROR, r->position, "no");
        return GH_ERR_CONFLICT;
    }
    *outputs = json_deep_copy(r->inputs);
    json_object_set_new(*outputs, "id", rec->preview ? gh_value_unknown() : json_sprintf("id_%s", r->name));
    return GH_OK;
}

static enum gh_err recorder_invoke(void *context, const char *function, json_t *arguments,
                                   struct gh_position at, struct gh_diagnostics *d, json_t **result) {
    struct recorder *rec = context;
    gh_buf_addf(&rec->log, "invoke %s\n", strrchr(function, ':') + 1);
    *result = json_pack("{s:s, s:s}", "domain", "tenant.example", "clientSecret", "shh");
    return GH_OK;
}

static inline struct gh_registrar recorder_registrar(struct recorder *rec) {
    rec->log = gh_buf_make(1 << 20);
    return (struct gh_registrar){ rec, recorder_register, recorder_invoke };
}
