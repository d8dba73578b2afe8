/* stack/diagnostic.h - errors and warnings that name file, line, column, and what was meant; printed with the
 * source line under them. */
#pragma once
#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"

struct gh_position {
    const char *file;      /* as the user named it; NULL when there is none */
    unsigned line, column; /* from 1; 0 when there is none */
};

enum gh_severity { GH_SEVERITY_WARNING, GH_SEVERITY_ERROR };

struct gh_diagnostic {
    enum gh_severity severity;
    struct gh_position position;
    struct gh_str summary, detail; /* detail may be empty: "Existing properties are: …", "Did you mean …?" */
};

struct gh_diagnostics;
struct gh_diagnostics *gh_diagnostics_new(void);
void gh_diagnostics_free(struct gh_diagnostics *d);
void gh_diagnose(struct gh_diagnostics *d, enum gh_severity severity, struct gh_position at, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));
void gh_diagnose_detail(struct gh_diagnostics *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* of the last one */
size_t gh_diagnostics_count(const struct gh_diagnostics *d, enum gh_severity severity);
const struct gh_diagnostic *gh_diagnostics_at(const struct gh_diagnostics *d, size_t i);

/* Tells the text of a file (copied), so that the line a position names can be shown. */
void gh_diagnostics_source(struct gh_diagnostics *d, const char *file, struct gh_str text);

/* "error: Pulumi.yaml:12,9: summary; detail" and the source line under it with a mark; control characters of
 * the file never reach the output. */
void gh_diagnostics_format(const struct gh_diagnostics *d, bool colour, struct gh_buf *ret);
void gh_diagnostics_print(const struct gh_diagnostics *d, int fd, bool colour);

static inline void gh_diagnostics_freep(struct gh_diagnostics **d) {
    gh_diagnostics_free(*d);
}
