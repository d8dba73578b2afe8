/* tenant/login/routes.c - the sign-in pages. */
#include "tenant/exchange.h"

const struct gh_route gh_login_routes[] = { { GH_GET, NULL, NULL } };
const size_t gh_login_route_count = 0;
