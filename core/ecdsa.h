/* core/ecdsa.h - the two spellings of an ECDSA signature: r and s side by side as JOSE has it (RFC 7518 3.4),
 * and the DER SEQUENCE that the crypto library wants. */
#pragma once
#include <stddef.h>

#include "core/str.h"

#define GH_ECDSA_COORDINATE_MAX 48                               /* P-384 */
#define GH_ECDSA_DER_MAX (2 + 2 * (3 + GH_ECDSA_COORDINATE_MAX)) /* its lengths all fit one byte */

/* `raw` must be exactly twice `coordinate` long; gives the length of the DER text, 0 when it is not. */
size_t gh_ecdsa_to_der(struct gh_str raw, size_t coordinate, unsigned char ret[static GH_ECDSA_DER_MAX]);

/* Writes 2 * coordinate bytes. False on anything but DER of two integers that fit. */
bool gh_ecdsa_from_der(struct gh_str der, size_t coordinate, unsigned char *ret);
