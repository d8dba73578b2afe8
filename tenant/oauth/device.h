/* tenant/oauth/device.h - the device authorization grant (RFC 8628): a device asks for two codes, a person
 * types the short one in a browser, signs in and decides, and the device, which has been asking with the long
 * one, gets its tokens. What it asked for is a struct gh_authorization like any other, with `device` set. */
#pragma once
#include "tenant/exchange.h"
#include "tenant/oauth/authorization.h"

#define GH_DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"

/* What waits for this user code: XXXX-XXXX, nobody has decided it, not expired. NOT_FOUND; STORAGE, NOMEM,
 * CRYPTO. */
enum gh_err gh_device_find(struct gh_exchange *x, struct gh_str user_code, struct gh_authorization *ret);

/* Inside a write closure: the person of `auth` has decided. NOT_FOUND when somebody was faster, or it has
 * expired. */
enum gh_err gh_device_decide(struct gh_db *db, struct gh_arena *a, const struct gh_authorization *auth,
                             bool approved);
