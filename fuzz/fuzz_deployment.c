#include <stdlib.h>

#include "core/cleanup.h"
#include "fuzz/fuzz.h"
#include "stack/engine/deployment.h"
#include "stack/engine/ledger.h"

/* What was accepted is a ledger, and can be told as a deployment and read again to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    struct gh_deployment_source source = { .project = "p", .stack = "dev", .force = true, .diagnostics = d };
    json_t *deployment = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *document = NULL, *again = NULL, *told = NULL, *ledger = NULL;
    if (d && deployment && gh_deployment_read(&source, deployment, &document) == GH_OK) {
        struct gh_deployment make = { .project = "p",
                                      .stack = "dev",
                                      .version = "fuzz",
                                      .resources = json_object_get(document, "resources"),
                                      .outputs = json_object_get(document, "outputs") };
        json_t *full = json_copy(document);
        json_object_set_new(full, "version", json_integer(1));
        json_object_set_new(full, "pending", json_array());
        char *text = json_dumps(full, 0);
        if (!text || gh_ledger_parse(gh_str_from(text), &ledger) != GH_OK)
            abort();
        free(text);
        json_decref(full);
        if (gh_deployment_make(&make, &told) != GH_OK || gh_deployment_read(&source, told, &again) != GH_OK)
            abort();
        if (json_array_size(json_object_get(again, "resources")) != json_array_size(make.resources) ||
            !json_equal(json_object_get(again, "outputs"), make.outputs))
            abort();
    }
    json_t *owned[] = { deployment, document, again, told, ledger };
    for (size_t i = 0; i < GH_COUNT(owned); i++)
        json_decref(owned[i]);
    return 0;
}
