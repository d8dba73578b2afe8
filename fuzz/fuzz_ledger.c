#include "core/cleanup.h"
#include "fuzz/fuzz.h"
#include "stack/engine/ledger.h"

/* A document, a NUL, a journal. What was accepted can be written and read again, also after its journal was
 * replayed twice: a crash between saving the ledger and removing the journal changes nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gh_str rest = { (const char *)data, size }, text = rest;
    json_t *document = NULL, *once, *again = NULL;
    if (!gh_str_cut(&rest, '\0', &text))
        rest = (struct gh_str){ 0 };
    if (gh_ledger_parse(text, &document) != GH_OK)
        return 0;
    if (gh_ledger_replay(document, rest) == GH_OK) {
        once = json_deep_copy(document);
        char *written = json_dumps(document, 0);
        if (!written || gh_ledger_parse(gh_str_from(written), &again) != GH_OK || !json_equal(once, again))
            abort();
        if (gh_ledger_replay(document, rest) != GH_OK)
            abort();
        free(written);
        json_decref(once);
        json_decref(again);
    }
    json_decref(document);
    return 0;
}
