/* tenant/http.h - the HTTP server under the exchanges: sockets, threads, bounds. http.c alone knows the
 * library. */
#pragma once
#include "tenant/tenant.h"

struct gh_http;

/* Binds and serves on threads of its own. `why` says for the operator what did not work. IO, NOMEM. */
enum gh_err gh_http_start(struct gh_tenant *t, struct gh_http **ret, char why[256]);

/* Takes no more connections and requests, lets what is under way end (at most `grace_ms`), stops. Takes
 * NULL. */
void gh_http_stop(struct gh_http *h, long long grace_ms);
