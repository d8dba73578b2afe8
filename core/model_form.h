/* core/model_form.h - finds the model that a multipart/form-data body names (RFC 7578), in whatever pieces it
 * comes; allocates nothing. Of the many spellings of such a body one is accepted: CRLF, nothing before the
 * first boundary and nothing behind the last, headers that say only what forms need. The rest is
 * AMBIGUOUS_BODY. */
#pragma once
#include <stdint.h>

#include "core/model_names.h"

struct gh_model_form {
    struct gh_model_names *names;
    enum gh_err err; /* sticky */

    uint8_t state;
    uint8_t delimiter_len, matched; /* of the delimiter */
    uint8_t loose;                  /* the same, counted from any line break; 255 in the middle of a line */
    char delimiter[GH_LIMIT_FORM_BOUNDARY + 4]; /* CRLF -- boundary */
    bool is_model, has_disposition, has_type, plain_type;
    uint16_t head_bytes; /* of the part's headers */
    uint16_t line_len;
    char line[GH_LIMIT_FORM_LINE]; /* a header line, or the model */
};

/* The boundary of a Content-Type's value. BODY_TYPE when it is no multipart/form-data with one plain
 * boundary. */
enum gh_err gh_form_boundary(struct gh_str content_type, struct gh_str *ret);

void gh_model_form_begin(struct gh_model_form *f, struct gh_model_names *names, struct gh_str boundary);
enum gh_err gh_model_form_feed(struct gh_model_form *f, struct gh_str bytes);
enum gh_err gh_model_form_end(struct gh_model_form *f);
