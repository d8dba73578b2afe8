/* tenant/login/endpoints.h - the first steps behind tenant/login/routes.c. */
#pragma once
#include "tenant/exchange.h"

void gh_login_show(struct gh_exchange *x);      /* sign_in.c: GET /u/login */
void gh_login_submit(struct gh_exchange *x);    /* POST /u/login */
void gh_ask_show(struct gh_exchange *x);        /* choose.c: GET /u/organization */
void gh_ask_submit(struct gh_exchange *x);      /* POST */
void gh_picker_show(struct gh_exchange *x);     /* GET /u/organization-picker */
void gh_picker_submit(struct gh_exchange *x);   /* POST */
void gh_activate_show(struct gh_exchange *x);   /* activate.c: GET /activate */
void gh_activate_submit(struct gh_exchange *x); /* POST */
void gh_device_show(struct gh_exchange *x);     /* GET /u/device */
void gh_device_submit(struct gh_exchange *x);   /* POST */
void gh_logout(struct gh_exchange *x);          /* logout.c: GET /v2/logout */
