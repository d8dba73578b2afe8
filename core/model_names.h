/* core/model_names.h - the models that a request names, gathered by the scanners of its body. */
#pragma once
#include "core/err.h"
#include "core/limits.h"
#include "core/str.h"

struct gh_model_names {
    struct gh_str name[GH_LIMIT_MODEL_NAMES]; /* views of `text`: the struct must stay where it is */
    size_t count;
    bool named; /* the member or field `model` itself was there */
    size_t used;
    char text[GH_LIMIT_MODEL_NAMES * 64];
};

/* AMBIGUOUS_BODY when there are too many. */
enum gh_err gh_model_names_add(struct gh_model_names *names, struct gh_str name);

/* What a member or field of that name is to us. */
enum gh_model_word {
    GH_WORD_OTHER,  /* not ours */
    GH_WORD_MODEL,  /* names the model */
    GH_WORD_NAME,   /* names a model in some proxy */
    GH_WORD_NAMES,  /* an array of models, or of objects with a model */
    GH_WORD_TOOLS,  /* an array of objects which may have a model */
    GH_WORD_INNER,  /* an object that some proxy merges into the outer one */
    GH_WORD_WRAP,   /* an object of such objects */
    GH_WORD_NEVER,  /* could bring in models that we do not see */
    GH_WORD_ALMOST, /* some readers take it for one of ours: other case, "ſ" for "s", "model[]" */
};

/* `raw` as written. Readers that fold case (Go's encoding/json) are met by ALMOST, and in forms those that
 * trim blanks or cut a name at a bracket. */
enum gh_model_word gh_model_word_find(struct gh_str raw, bool in_form);
