#include "core/err.h"

static const struct {
    int status;
    const char *name, *text;
} table[] = {
#define ROW(symbol, status, name, text) { status, name, text },
    GH_ERR_TABLE(ROW)
#undef ROW
};

int gh_err_status(enum gh_err e) {
    return table[e].status;
}

const char *gh_err_name(enum gh_err e) {
    return table[e].name;
}

const char *gh_err_text(enum gh_err e) {
    return table[e].text;
}
