/* tenant/oauth/routes.c - the Authentication API. */
#include "tenant/exchange.h"

const struct gh_route gh_oauth_routes[] = { { GH_GET, NULL, NULL } };
const size_t gh_oauth_route_count = 0;
