/* tenant/oauth/discovery.h - what clients ask before they ask for anything else. */
#pragma once
#include "tenant/exchange.h"

void gh_discovery_openid(struct gh_exchange *x); /* OpenID Connect Discovery 1.0 */
void gh_discovery_oauth(struct gh_exchange *x);  /* RFC 8414: what MCP clients look for */
void gh_discovery_jwks(struct gh_exchange *x);
