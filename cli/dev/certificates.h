/* cli/dev/certificates.h - a certificate authority for this machine alone: it can vouch for localhost and
 * loopback, and nothing else (RFC 5280 4.2.1.10), so that trusting it risks nothing. EC keys: RSA would cost
 * a quarter second of the start. */
#pragma once
#include <stddef.h>

#include "core/err.h"

/* Below `dir` (made, 0700): ca.pem, ca.key, localhost.pem (leaf + CA), localhost.key, bundle.pem (the
 * system's authorities and ours). Makes what is missing and renews a leaf with less than 30 days left. IO,
 * CRYPTO; `why` says it for people. */
enum gh_err gh_dev_certificates(const char *dir, char why[256]);
