/* What somebody may have meant: candidates by edit distance, as Pulumi lists them. */
#include "stack/language/tree.h"

#define LONGEST 64 /* names beyond are cut for the measure only */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Levenshtein with one row; case counts for nothing, so that DisplayName finds displayName first. */
static unsigned distance(struct gh_str a, struct gh_str b) {
    unsigned row[LONGEST + 1];
    size_t n = a.len < LONGEST ? a.len : LONGEST, m = b.len < LONGEST ? b.len : LONGEST;
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned change = diagonal + (lower(a.ptr[i - 1]) != lower(b.ptr[j - 1]));
            diagonal = row[j];
            unsigned shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < shorter ? change : shorter;
        }
    }
    return row[m];
}

void nearest_add(struct nearest *n, struct gh_str candidate) {
    unsigned far = distance(n->wanted, candidate);
    size_t at = n->kept;
    n->seen++;
    while (at > 0 && n->distance[at - 1] > far)
        at--;
    if (at >= GH_COUNT(n->best))
        return;
    size_t last = n->kept < GH_COUNT(n->best) ? n->kept : GH_COUNT(n->best) - 1;
    for (size_t i = last; i > at; i--) {
        n->best[i] = n->best[i - 1];
        n->distance[i] = n->distance[i - 1];
    }
    n->best[at] = candidate;
    n->distance[at] = far;
    if (n->kept < GH_COUNT(n->best))
        n->kept++;
}

/* Close enough to be a slip of the hand. */
bool nearest_is_close(const struct nearest *n) {
    return n->kept && n->distance[0] <= 1 + n->wanted.len / 4;
}

void nearest_tell(const struct nearest *n, struct gh_diagnostics *d, const char *lead) {
    if (n->kept == 0)
        return;
    gh_auto(gh_buf_release) struct gh_buf text = gh_buf_make(4096);
    gh_buf_addf(&text, "%s ", lead);
    for (size_t i = 0; i < n->kept; i++)
        gh_buf_addf(&text, "%s%.*s", i ? ", " : "", GH_STR_FMT(n->best[i]));
    if (n->seen > n->kept)
        gh_buf_addf(&text, " and %zu other%s", n->seen - n->kept, n->seen - n->kept == 1 ? "" : "s");
    if (!text.failed)
        gh_diagnose_detail(d, "%s", text.ptr);
}
