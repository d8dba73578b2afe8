/* tenant/oauth/routes.c - the Authentication API. */
#include "tenant/exchange.h"
#include "tenant/oauth/discovery.h"
#include "tenant/oauth/endpoints.h"

/* clang-format off */
const struct gh_route gh_oauth_routes[] = {
    { GH_GET,  "/.well-known/openid-configuration",        gh_discovery_openid },
    { GH_GET,  "/.well-known/oauth-authorization-server",  gh_discovery_oauth  },
    { GH_GET,  "/.well-known/jwks.json",                   gh_discovery_jwks   },
    { GH_POST, "/oauth/token",                             gh_token_issue      },
    { GH_POST, "/oauth/device/code",                       gh_device_begin     },
    { GH_POST, "/oauth/revoke",                            gh_token_revoke     },
    { GH_GET,  "/userinfo",                                gh_userinfo         },
    { GH_POST, "/userinfo",                                gh_userinfo         },
};
/* clang-format on */
const size_t gh_oauth_route_count = GH_COUNT(gh_oauth_routes);
