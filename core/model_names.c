#include "core/model_names.h"

enum gh_err gh_model_names_add(struct gh_model_names *names, struct gh_str name) {
    if (names->count == GH_LIMIT_MODEL_NAMES || name.len > sizeof names->text - names->used)
        return GH_ERR_AMBIGUOUS_BODY;
    char *at = names->text + names->used;
    memcpy(at, name.ptr, name.len);
    names->used += name.len;
    names->name[names->count++] = (struct gh_str){ at, name.len };
    return GH_OK;
}

/* The spellings of OpenAI, Anthropic, Google and Azure, and of proxies that route (LiteLLM, OpenRouter,
 * Bifrost, Vercel). */
/* clang-format off */
static const struct { const char *text; enum gh_model_word word; } words[] = {
    { "model",                        GH_WORD_MODEL },
    { "deployment",                   GH_WORD_NAME  },
    { "deployment_id",                GH_WORD_NAME  },
    { "deployment_name",              GH_WORD_NAME  },
    { "engine",                       GH_WORD_NAME  },
    { "fallback_model",               GH_WORD_NAME  },
    { "model_id",                     GH_WORD_NAME  },
    { "model_name",                   GH_WORD_NAME  },
    { "modelid",                      GH_WORD_NAME  },
    { "modelname",                    GH_WORD_NAME  },
    { "content_policy_fallbacks",     GH_WORD_NAMES },
    { "context_window_fallbacks",     GH_WORD_NAMES },
    { "default_fallbacks",            GH_WORD_NAMES },
    { "fallback_models",              GH_WORD_NAMES },
    { "fallbacks",                    GH_WORD_NAMES },
    { "models",                       GH_WORD_NAMES },
    { "tools",                        GH_WORD_TOOLS },
    { "extra_body",                   GH_WORD_INNER },
    { "session",                      GH_WORD_INNER },
    { "provider_options",             GH_WORD_WRAP  },
    { "provideroptions",              GH_WORD_WRAP  },
    { "context_window_fallback_dict", GH_WORD_NEVER },
    { "litellm_params",               GH_WORD_NEVER },
    { "model_list",                   GH_WORD_NEVER },
    { "router_settings",              GH_WORD_NEVER },
    { "user_config",                  GH_WORD_NEVER },
};
/* The only ones that are written with capitals. */
static const char *const capitals[] = { "modelId", "modelName", "providerOptions" };
/* clang-format on */

/* In lower case, with what Unicode folds into ASCII (U+017F, U+212A). In forms without blanks before it and
 * up to the first byte that is no part of a plain name. Length 0: not ours in any reading. */
static size_t fold(struct gh_str raw, bool in_form, char to[32]) {
    size_t n = 0, at = 0;
    while (in_form && at < raw.len && (raw.ptr[at] == ' ' || raw.ptr[at] == '\t'))
        at++;
    for (; at < raw.len; at++) {
        struct gh_str rest = gh_str_skip(raw, at);
        char c = raw.ptr[at];
        if (gh_str_starts(rest, GH_STR("\xc5\xbf"))) {
            c = 's';
            at += 1;
        } else if (gh_str_starts(rest, GH_STR("\xe2\x84\xaa"))) {
            c = 'k';
            at += 2;
        } else if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return in_form ? n : 0;
        if (n == 32)
            return 0;
        to[n++] = c;
    }
    return n;
}

static bool is_written(struct gh_str raw, struct gh_str word) {
    if (gh_str_eq(raw, word))
        return !gh_str_is(word, "provideroptions");
    for (size_t i = 0; i < GH_COUNT(capitals); i++)
        if (gh_str_is(raw, capitals[i]))
            return true;
    return false;
}

enum gh_model_word gh_model_word_find(struct gh_str raw, bool in_form) {
    char folded[32];
    struct gh_str word = { folded, fold(raw, in_form, folded) };
    for (size_t i = 0; word.len && i < GH_COUNT(words); i++)
        if (gh_str_is(word, words[i].text))
            return is_written(raw, word) ? words[i].word : GH_WORD_ALMOST;
    return GH_WORD_OTHER;
}
