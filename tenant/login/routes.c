/* tenant/login/routes.c - what browsers see. */
#include "tenant/login/endpoints.h"
#include "tenant/oauth/endpoints.h"

/* clang-format off */
const struct gh_route gh_login_routes[] = {
    { GH_GET,  "/authorize",             gh_authorize           },
    { GH_POST, "/authorize",             gh_authorize           },
    { GH_GET,  "/u/login",               gh_login_show          },
    { GH_POST, "/u/login",               gh_login_submit        },
    { GH_GET,  "/u/organization",        gh_ask_show   },
    { GH_POST, "/u/organization",        gh_ask_submit },
    { GH_GET,  "/u/organization-picker", gh_picker_show         },
    { GH_POST, "/u/organization-picker", gh_picker_submit       },
    { GH_GET,  "/activate",              gh_activate_show       },
    { GH_POST, "/activate",              gh_activate_submit     },
    { GH_GET,  "/u/device",              gh_device_show         },
    { GH_POST, "/u/device",              gh_device_submit       },
    { GH_GET,  "/v2/logout",             gh_logout              },
};
/* clang-format on */
const size_t gh_login_route_count = GH_COUNT(gh_login_routes);
