/* tenant/oauth/endpoints.h - the first steps behind tenant/oauth/routes.c. */
#pragma once
#include "tenant/exchange.h"

void gh_authorize(struct gh_exchange *x);    /* authorize.c: GET and POST /authorize */
void gh_token_issue(struct gh_exchange *x);  /* issuance.c: POST /oauth/token */
void gh_device_begin(struct gh_exchange *x); /* device.c: POST /oauth/device/code */
void gh_token_revoke(struct gh_exchange *x); /* revoke.c */
void gh_userinfo(struct gh_exchange *x);     /* userinfo.c: GET and POST */
