#include "tenant/fresh.h"

enum gh_err gh_fresh_make(struct gh_tenant *t) {
    return GH_OK;
}
