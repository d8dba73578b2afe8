/* fuzz/fuzz_contract.c - any JSON against every body schema; the first two bytes choose a path to match as
 * well. What is refused is refused in words, what is accepted without. */
#include "core/cleanup.h"
#include "core/limits.h"
#include "fuzz/fuzz.h"
#include "tenant/contract/contract.h"

static void check_body(const struct gh_operation *op, const json_t *body) {
    gh_auto(gh_buf_release) struct gh_buf why = gh_buf_make(1 << 16);
    bool fine = gh_contract_check(op->body, body, &why);
    MUST(fine == (why.len == 0) || why.failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gh_str text = { (const char *)data, size }, args[8];
    size_t count;
    bool other;
    const struct gh_operation *found = gh_contract_match(GH_GET, text, args, &count, &other);
    MUST(!found || (count <= 8 && found->method == GH_GET && !other));

    const struct gh_param query[] = { { text, text },
                                      { GH_STR("page"), text },
                                      { GH_STR("strategy"), text } };
    for (size_t i = 0; i < GH_OP_COUNT; i++) {
        gh_auto(gh_buf_release) struct gh_buf why = gh_buf_make(1 << 16);
        if (gh_contract_operations[i].query_count)
            MUST(!gh_contract_check_query(&gh_contract_operations[i], query, GH_COUNT(query), &why) ||
                 why.len == 0);
    }

    json_auto_t *body =
        size <= GH_LIMIT_BODY ? json_loadb(text.ptr ? text.ptr : "", size, JSON_DECODE_ANY, NULL) : NULL;
    for (size_t i = 0; body && i < GH_OP_COUNT; i++)
        if (gh_contract_operations[i].body != GH_SCHEMA_NONE)
            check_body(&gh_contract_operations[i], body);
    return 0;
}
