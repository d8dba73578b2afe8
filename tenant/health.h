/* tenant/health.h - is it alive, can it serve? For supervisors and load balancers. */
#pragma once
#include "tenant/exchange.h"

extern const struct gh_route gh_health_routes[];
extern const size_t gh_health_route_count;
