/* The model rule: names, lists and permissions, and the models that a body names. */
#include "core/decide.h"
#include "core/model_form.h"
#include "core/model_scan.h"
#include "core/models.h"
#include "tests/check.h"

TEST(a_name_is_what_means_one_thing_to_every_upstream) {
    static const char *const good[] = { "gpt-5",
                                        "gpt-4.1-mini",
                                        "meta-llama/Llama-3.1-8B",
                                        "o1",
                                        "anthropic.claude-3-5-sonnet-20241022-v2:0",
                                        "@cf/meta/llama",
                                        "a",
                                        "ft:gpt-4o:my-org::id",
                                        "models/gemini-2.0-flash",
                                        "x=1",
                                        "~m" };
    static const char *const bad[] = { "",       "gpt-5 ", " gpt-5",      "gpt 5",  "gpt-5,gpt-4",
                                       "gpt-5*", "*",      "a?b",         "a#b",    "a%2fb",
                                       "a\\b",   "a\"b",   "gpt\xc3\xa9", "..",     "gpt-5/../gpt-4",
                                       "a//b",   "/a",     "a/",          "a;b",    "a&b",
                                       "a\nb",   "\x7f",   "a\tb",        "{model}" };
    for (size_t i = 0; i < GH_COUNT(good); i++)
        CHECK_ROW(good[i], gh_model_name_ok(gh_str_from(good[i])));
    for (size_t i = 0; i < GH_COUNT(bad); i++)
        CHECK_ROW(bad[i], !gh_model_name_ok(gh_str_from(bad[i])));
    CHECK(!gh_model_name_ok((struct gh_str){ "a\0b", 3 }));
    char big[GH_LIMIT_MODEL_NAME + 1];
    memset(big, 'm', sizeof big);
    CHECK(gh_model_name_ok((struct gh_str){ big, GH_LIMIT_MODEL_NAME }));
    CHECK(!gh_model_name_ok((struct gh_str){ big, sizeof big }));
}

TEST(a_pattern_is_a_name_or_the_beginning_of_names) {
    static const struct {
        const char *list, *name;
        bool want;
    } rows[] = {
        { "gpt-5", "gpt-5", true },
        { "gpt-5*", "gpt-5", true },
        { "gpt-5*", "gpt-5-mini", true },
        { "*", "anything", true },
        { "a, gpt-5 ,b", "gpt-5", true },
        { "a\tb\n gpt-4*", "gpt-4.1", true },
        { "meta/*", "meta/llama", true },
        { "", "gpt-5", false },
        { " , ,", "gpt-5", false },
        { "gpt-5", "gpt-5-mini", false },
        { "gpt-5", "GPT-5", false },
        { "gpt-5", "gpt", false },
        { "gpt-5*", "gpt-4", false },
        { "*-mini", "gpt-5-mini", false },
        { "gpt*mini", "gpt-5-mini", false },
        { "gpt-5**", "gpt-5-mini", false },
        { "gpt-5;gpt-4", "gpt-4", false },
        { "\"gpt-5\"", "gpt-5", false },
        { "*", "", false },
        { "*", "a b", false },
        { "*", "gpt-5,gpt-4", false },
        { "*", "a/../b", false },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].list,
                  gh_model_list_allows(gh_str_from(rows[i].list), gh_str_from(rows[i].name)) == rows[i].want);
}

static enum gh_err decide(const char *names, const char *permission, const char *list,
                          struct gh_str *missing) {
    const struct gh_str audience = GH_STR("aud"),
                        permissions[] = { GH_STR("chat:invoke"), gh_str_from(permission) };
    struct gh_str split[8], rest = gh_str_from(names), name;
    struct gh_models models = { .names = split, .has_list = list != NULL, .list = gh_str_from(list) };
    while (gh_str_cut(&rest, ' ', &name))
        split[models.count++] = name;
    if (rest.len)
        split[models.count++] = rest;
    const struct gh_claims claims = { .issuer = GH_STR("iss"),
                                      .audiences = &audience,
                                      .audience_count = 1,
                                      .permissions = permissions,
                                      .permission_count = 2,
                                      .expires_at = 20 };
    const struct gh_policy policy = {
        .issuer = GH_STR("iss"), .audience = audience, .organization_rule = GH_ORG_OPTIONAL, .models = &models
    };
    const struct gh_epochs epochs = { 0 };
    struct gh_decision d = gh_decide(&policy, &claims, &epochs, 10);
    *missing = d.missing;
    return d.err;
}

TEST(each_model_needs_the_token_and_the_organization) {
    static const struct {
        const char *names, *permission, *list;
        enum gh_err want;
        const char *missing;
    } rows[] = {
        { "gpt-5", "model:gpt-5", NULL, GH_OK, "" },
        { "gpt-5", "model:*", "gpt-5", GH_OK, "" },
        { "gpt-5 gpt-5-mini", "model:gpt-5*", "gpt-5*, o1", GH_OK, "" },
        { "gpt-5", "models:gpt-5", NULL, GH_ERR_MODEL_NOT_ALLOWED, "gpt-5" },
        { "gpt-5", "Model:gpt-5", NULL, GH_ERR_MODEL_NOT_ALLOWED, "gpt-5" },
        { "gpt-5", "model:gpt-4", NULL, GH_ERR_MODEL_NOT_ALLOWED, "gpt-5" },
        { "gpt-5", "model:", NULL, GH_ERR_MODEL_NOT_ALLOWED, "gpt-5" },
        { "gpt-5 o1", "model:gpt-5*", NULL, GH_ERR_MODEL_NOT_ALLOWED, "o1" },
        { "gpt-5", "model:*", "", GH_ERR_MODEL_NOT_LISTED, "gpt-5" },
        { "gpt-5 o1", "model:*", "gpt-5", GH_ERR_MODEL_NOT_LISTED, "o1" },
        { "gpt-5", "model:o1", "gpt-5", GH_ERR_MODEL_NOT_ALLOWED, "gpt-5" },
        { "", "model:*", NULL, GH_ERR_NO_MODEL, "" },
        { "a*", "model:*", NULL, GH_ERR_MODEL_NOT_ALLOWED, "a*" },
    };
    struct gh_str missing;
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        CHECK_ROW(rows[i].names,
                  decide(rows[i].names, rows[i].permission, rows[i].list, &missing) == rows[i].want);
        CHECK_ROW(rows[i].names, gh_str_is(missing, rows[i].missing));
    }
}

/* The next `size` bytes, or what is left. */
static struct gh_str cut(struct gh_str *rest, size_t size) {
    struct gh_str part = { rest->ptr, rest->len < size ? rest->len : size };
    rest->ptr += part.len;
    rest->len -= part.len;
    return part;
}

/* --- JSON ----------------------------------------------------------------------------------------------- */

/* "" for AMBIGUOUS_BODY, else the names, blank-separated; "-" stands for none, '!' before them when no
 * `model` was among them. `piece`: how many bytes at a time. */
static const char *scan(struct gh_str body, size_t piece) {
    static char text[4096];
    static struct gh_model_scan s;
    static struct gh_model_names names;
    memset(&s, 0xa5, sizeof s); /* it starts anywhere */
    gh_model_scan_begin(&s, &names);
    while (body.len && gh_model_scan_feed(&s, cut(&body, piece)) == GH_OK)
        ;
    if (gh_model_scan_end(&s))
        return "";
    size_t len = (size_t)snprintf(text, sizeof text, "%s%s", names.named ? "" : "!", names.count ? "" : "-");
    for (size_t i = 0; i < names.count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", i ? " " : "",
                                GH_STR_FMT(names.name[i]));
    return text;
}

#define E9 "\xc3\xa9"

TEST(a_json_body_names_its_models_in_one_way_or_is_refused) {
    static const struct {
        const char *body, *want;
    } rows[] = {
        { "{\"model\":\"gpt-5\"}", "gpt-5" },
        { " {\n\t\"messages\" : [ {\"role\":\"user\",\"content\":\"hi\"} ],\r\"model\" : \"gpt-5\" } \n",
          "gpt-5" },
        { "{\"model\":\"gpt-5\",\"messages\":[{\"model\":\"o1\",\"x\":{\"models\":[\"o2\"]}}]}", "gpt-5" },
        { "{\"model\":\"meta\\/llama\"}", "meta/llama" },
        { "{\"model\":\"gpt\\u002d5\"}", "gpt-5" },
        { "{\"model\":\"a\",\"models\":[\"b\",\"c\"],\"fallbacks\":[{\"model\":\"d\",\"messages\":[{}]},"
          "\"e\"]}",
          "a b c d e" },
        { "{\"model\":\"a\",\"fallbacks\":null,\"models\":[],\"tools\":null,\"engine\":null,\"extra_body\":"
          "null}",
          "a" },
        { "{\"model\":\"a\",\"tools\":[{\"type\":\"image_generation\",\"model\":\"img\"},{\"function\":{"
          "\"model\":1}}]}",
          "a img" },
        { "{\"model\":\"a\",\"extra_body\":{\"model\":\"b\",\"models\":[\"c\"]}}", "a b c" },
        { "{\"model\":\"a\",\"providerOptions\":{\"gateway\":{\"models\":[\"b\"]}}}", "a b" },
        { "{\"engine\":\"davinci\"}", "!davinci" },
        { "{}", "!-" },
        { "{\"x\":{\"model\":\"b\"}}", "!-" },
        { "{\"model\":\"a\",\"n\":[0,-0,1.5,1e5,-1E-5,9223372036854775807,-9223372036854775808,1e307]}",
          "a" },
        { "{\"model\":\"a\",\"x\":\"" E9 " \xe2\x82\xac \xf0\x9f\x98\x80 \\ud83d\\ude00 \\u00e9\"}", "a" },
        { "{\"" E9 "\":1,\"model\":\"a\"}", "a" },
        { "{\"x\":{\"\\u006dodel\":1,\"\\u006dodel\":2},\"model\":\"a\"}", "a" },
        { "{\"model\":\"a\",\"response_format\":{\"schema\":{\"n\\u00e4me\":{},\"Model\":1}}}", "a" },
        { "{\"model\":\"a\",\"metadata\":{\"Models\":1}}", "a" },
        /* twice */
        { "{\"model\":\"a\",\"model\":\"a\"}", "" },
        { "{\"model\":\"a\",\"model\":\"b\"}", "" },
        { "{\"model\":\"a\",\"x\":1,\"x\":1}", "" },
        { "{\"model\":\"a\",\"fallbacks\":[{\"model\":\"b\",\"model\":\"c\"}]}", "" },
        { "{\"model\":\"a\",\"extra_body\":{\"model\":\"b\",\"model\":\"c\"}}", "" },
        /* spelt otherwise */
        { "{\"mod\\u0065l\":\"b\",\"model\":\"a\"}", "" },
        { "{\"model\":\"a\",\"x\\n\":1}", "" },
        { "{\"Model\":\"b\",\"model\":\"a\"}", "" },
        { "{\"MODEL\":\"b\"}", "" },
        { "{\"model\":\"a\",\"model\xc5\xbf\":[\"b\"]}", "" },
        { "{\"model\":\"a\",\"modelS\":[\"b\"]}", "" },
        { "{\"model\":\"a\",\"fallbac\xe2\x84\xaas\":[\"b\"]}", "" },
        { "{\"model\":\"a\",\"Engine\":\"b\"}", "" },
        { "{\"model\":\"a\",\"extra_body\":{\"Model\":\"b\"}}", "" },
        /* of another type */
        { "{\"model\":null}", "" },
        { "{\"model\":5}", "" },
        { "{\"model\":true}", "" },
        { "{\"model\":[\"a\"]}", "" },
        { "{\"model\":{\"a\":1}}", "" },
        { "{\"model\":\"a\",\"engine\":1}", "" },
        { "{\"model\":\"a\",\"models\":{\"b\":1}}", "" },
        { "{\"model\":\"a\",\"models\":[1]}", "" },
        { "{\"model\":\"a\",\"models\":[null]}", "" },
        { "{\"model\":\"a\",\"models\":[[\"b\"]]}", "" },
        { "{\"model\":\"a\",\"models\":false}", "" },
        { "{\"model\":\"a\",\"fallbacks\":[{\"gpt-4\":[\"b\"]}]}", "" },
        { "{\"model\":\"a\",\"fallbacks\":[{}]}", "" },
        { "{\"model\":\"a\",\"router_settings\":{}}", "" },
        { "{\"model\":\"a\",\"model_list\":[]}", "" },
        { "{\"model\":\"a\",\"user_config\":\"x\"}", "" },
        /* not an object, or not JSON */
        { "", "" },
        { "  ", "" },
        { "[]", "" },
        { "\"model\"", "" },
        { "5", "" },
        { "null", "" },
        { "\xef\xbb\xbf{\"model\":\"a\"}", "" },
        { "{\"model\":\"a\"", "" },
        { "{\"model\":\"a\"}}", "" },
        { "{\"model\":\"a\"}{\"model\":\"b\"}", "" },
        { "{\"model\":\"a\"},", "" },
        { "{\"model\":\"a\",}", "" },
        { "{,\"model\":\"a\"}", "" },
        { "{\"model\" \"a\"}", "" },
        { "{\"model\":}", "" },
        { "{\"model\":'a'}", "" },
        { "{model:\"a\"}", "" },
        { "{\"model\":\"a\" \"x\":1}", "" },
        { "{\"model\":\"a\",\"x\":[1,]}", "" },
        { "{\"model\":\"a\",\"x\":[1 2]}", "" },
        { "{\"model\":\"a\",\"x\":[}", "" },
        { "{\"model\":\"a\",\"x\":{]}", "" },
        { "{\"model\":\"a\"/**/}", "" },
        { "{\"model\":\"a\",\"x\":nul}", "" },
        { "{\"model\":\"a\",\"x\":True}", "" },
        { "{\"model\":\"a\",\"x\":NaN}", "" },
        { "{\"model\":\"a\",\"x\":-Infinity}", "" },
        { "{\"model\":\"a\",\"x\":01}", "" },
        { "{\"model\":\"a\",\"x\":+1}", "" },
        { "{\"model\":\"a\",\"x\":1.}", "" },
        { "{\"model\":\"a\",\"x\":.5}", "" },
        { "{\"model\":\"a\",\"x\":1e}", "" },
        { "{\"model\":\"a\",\"x\":1e+}", "" },
        { "{\"model\":\"a\",\"x\":-}", "" },
        { "{\"model\":\"a\",\"x\":1e1.5}", "" },
        { "{\"model\":\"a\",\"x\":9223372036854775808}", "" },
        { "{\"model\":\"a\",\"x\":1e308}", "" },
        { "{\"model\":\"a\",\"x\":\"\x01\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\n\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\\x41\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\\u12g4\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\\u0000\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\\ud83d\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\\ud83d\\u0041\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\\ude00\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\\ud83d\\n\"}", "" },
        /* not UTF-8 */
        { "{\"model\":\"a\",\"x\":\"\xff\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\xe9\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\xc0\xaf\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\xe0\x80\xaf\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\xed\xa0\x80\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\xf4\x90\x80\x80\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\xc3\"}", "" },
        { "{\"model\":\"a\",\"x\":\"\x80\"}", "" },
        { "\xff\xfe{\x00\"\x00", "" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_str body = gh_str_from(rows[i].body);
        for (size_t piece = 1; piece < 12; piece++)
            CHECK_ROW(rows[i].body, strcmp(scan(body, piece), rows[i].want) == 0);
        CHECK_ROW(rows[i].body, strcmp(scan(body, body.len + 1), rows[i].want) == 0);
    }
    CHECK(strcmp(scan((struct gh_str){ "{\"model\":\"a\"}\0", 14 }, 99), "") == 0);
    CHECK(strcmp(scan((struct gh_str){ "{\"model\":\"a\0b\"}", 15 }, 99), "") == 0);
}

/* before + unit * n + after; a '#' in the unit becomes the number of its repetition. */
static struct gh_str repeated(const char *before, const char *unit, size_t n, const char *after) {
    static char text[1 << 16];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", before);
    for (size_t i = 0; i < n; i++)
        for (const char *u = unit; *u; u++)
            len += (size_t)(*u == '#' ? snprintf(text + len, sizeof text - len, "%zu", i)
                                      : snprintf(text + len, sizeof text - len, "%c", *u));
    len += (size_t)snprintf(text + len, sizeof text - len, "%s", after);
    return (struct gh_str){ text, len };
}

TEST(limits_of_a_json_body_are_refusals) {
    char close[80] = "";
    memset(close, ']', GH_LIMIT_MODEL_DEPTH - 1);
    strcat(close, "}");
    CHECK(strcmp(scan(repeated("{\"model\":\"a\",\"x\":", "[", GH_LIMIT_MODEL_DEPTH - 1, close), 7), "a") ==
          0);
    CHECK(strcmp(scan(repeated("{\"model\":\"a\",\"x\":", "[", GH_LIMIT_MODEL_DEPTH, close), 7), "") == 0);
    CHECK(strcmp(scan(repeated("{\"model\":\"a\"", ",\"m#\":1", GH_LIMIT_MODEL_MEMBERS - 1, "}"), 64), "a") ==
          0);
    CHECK(strcmp(scan(repeated("{\"model\":\"a\"", ",\"m#\":1", GH_LIMIT_MODEL_MEMBERS, "}"), 64), "") == 0);
    CHECK(strcmp(scan(repeated("{\"x\":{\"model\":\"a\"", ",\"m#\":1", 900, "},\"model\":\"b\"}"), 64),
                 "b") == 0);
    CHECK(scan(repeated("{\"model\":\"a\",\"models\":[\"0\"", ",\"#\"", GH_LIMIT_MODEL_NAMES - 2, "]}"),
               64)[0] == 'a');
    CHECK(
        strcmp(scan(repeated("{\"model\":\"a\",\"models\":[\"0\"", ",\"#\"", GH_LIMIT_MODEL_NAMES - 1, "]}"),
                    64),
               "") == 0);
    CHECK(scan(repeated("{\"model\":\"", "m", GH_LIMIT_MODEL_NAME, "\"}"), 64)[0] == 'm');
    CHECK(strcmp(scan(repeated("{\"model\":\"", "m", GH_LIMIT_MODEL_NAME + 1, "\"}"), 64), "") == 0);
    CHECK(strcmp(scan(repeated("{\"model\":\"a\",\"", "k", GH_LIMIT_MODEL_NAME + 1, "\":1}"), 64), "") == 0);
    CHECK(strcmp(scan(repeated("{\"model\":\"a\"", ",\"fallbacks\":[{\"model\":\"b\"", 3, "}]}]}]}"), 64),
                 "a b b b") == 0);
    CHECK(strcmp(scan(repeated("{\"model\":\"a\"", ",\"fallbacks\":[{\"model\":\"b\"", 5, "}]}]}]}]}]}"), 64),
                 "") == 0);
    CHECK(strcmp(scan(repeated("{\"model\":\"a\",\"x\":0.", "0", 4000, "1}"), 64), "a") == 0);
    CHECK(strcmp(scan(repeated("{\"model\":\"a\",\"x\":1", "0", 400, "e-300}"), 64), "") == 0);
}

/* --- forms ---------------------------------------------------------------------------------------------- */

static const char *form(struct gh_str body, size_t piece) {
    static char text[512];
    static struct gh_model_form f;
    static struct gh_model_names names;
    memset(&f, 0xa5, sizeof f);
    gh_model_form_begin(&f, &names, GH_STR("-b"));
    while (body.len && gh_model_form_feed(&f, cut(&body, piece)) == GH_OK)
        ;
    if (gh_model_form_end(&f))
        return "";
    const struct gh_str name = names.count ? names.name[0] : GH_STR("-");
    snprintf(text, sizeof text, "%.*s", GH_STR_FMT(name));
    return text;
}

#define PART(name, more, text)                                                                               \
    "---b\r\nContent-Disposition: form-data; name=\"" name "\"" more "\r\n\r\n" text "\r\n"
#define FILE_PART PART("file", "; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg", "\0\r\n--\r-\r\n---\n---")
#define END "---b--\r\n"

TEST(a_form_names_its_model_in_one_way_or_is_refused) {
    static const struct {
        const char *body, *want;
    } rows[] = {
        { PART("model", "", "whisper-1") END, "whisper-1" },
        { PART("prompt", "", "x\r\ny\r\n--\r\n---\r\n") PART("model", "", "whisper-1") "---b--",
          "whisper-1" },
        { PART("model", "\r\nContent-Type: text/plain; charset=utf-8", "m") END, "m" },
        { PART("model", "\r\ncontent-transfer-encoding: 8bit\r\nContent-Length: 1", "m") END, "m" },
        { "---b\r\ncontent-disposition:form-data;name=\"model\"\r\n\r\nm\r\n" END, "m" },
        { PART("model", "", "a\rb") END, "a\rb" }, /* no name, but one meaning */
        { PART("x", "", "m") END, "-" },
        { PART("timestamp_granularities[]", "", "word") PART("model", "", "m") END, "m" },
        /* twice, or spelt otherwise */
        { PART("model", "", "a") PART("model", "", "a") END, "" },
        { PART("model", "", "a") PART("Model", "", "b") END, "" },
        { PART("model", "", "a") PART("model[]", "", "b") END, "" },
        { PART("model", "", "a") PART(" model", "", "b") END, "" },
        { PART("model", "", "a") PART("model ", "", "b") END, "" },
        { PART("model", "", "a") PART("model.x", "", "b") END, "" },
        { PART("model", "", "a") PART("fallbacks", "", "b") END, "" },
        { PART("model", "", "a") PART("extra_body", "", "{}") END, "" },
        { PART("model", "", "a") PART("_charset_", "", "utf-7") END, "" },
        { PART("model", "; filename=\"x\"", "a") END, "" },
        { PART("model", "; name=\"x\"", "a") END, "" },
        { PART("x", "; name=\"model\"", "a") END, "" },
        { PART("x", "; name*=utf-8''model", "a") END, "" },
        { PART("x", "; name*=\"utf-8''model\"", "a") END, "" },
        { PART("x", "; filename*=\"utf-8''y\"", "a") END, "" },
        { PART("mo\\del", "", "a") END, "" },
        { PART("x", "; filename=\"a\\\"; name=\\\"model\"", "a") END, "" },
        { "---b\r\nContent-Disposition: form-data; name=model\r\n\r\na\r\n" END, "" },
        { "---b\r\nContent-Disposition: attachment; name=\"model\"\r\n\r\na\r\n" END, "" },
        { "---b\r\nContent-Disposition: form-datax; name=\"model\"\r\n\r\na\r\n" END, "" },
        { "---b\r\nContent-Disposition: form-data\r\n\r\na\r\n" END, "" },
        { "---b\r\n\r\na\r\n" END, "" },
        /* encodings and strange headers */
        { PART("model", "\r\nContent-Type: application/json", "a") END, "" },
        { PART("model", "\r\nContent-Type: text/plain; charset=utf-16", "a") END, "" },
        { PART("model", "\r\nContent-Type: text/plain\r\nContent-Type: text/plain", "a") END, "" },
        { PART("model", "\r\nContent-Transfer-Encoding: base64", "YQ==") END, "" },
        { PART("model", "\r\nContent-Disposition: form-data; name=\"x\"", "a") END, "" },
        { PART("model", "\r\n folded", "a") END, "" },
        { PART("model", "\r\nX-Strange: 1", "a") END, "" },
        { PART("model", "\r\nnocolon", "a") END, "" },
        { PART("model", "\nX: 1", "a") END, "" },
        { PART("model", "\rX", "a") END, "" },
        /* the frame */
        { "", "" },
        { "x\r\n" PART("model", "", "a") END, "" },
        { "\r\n" PART("model", "", "a") END, "" },
        { PART("model", "", "a"), "" },
        { PART("model", "", "a") "---b", "" },
        { PART("model", "", "a") "---b-", "" },
        { PART("model", "", "a") END "x", "" },
        { PART("model", "", "a") END PART("model", "", "b") END, "" },
        { PART("model", "", "a") "---b--\n", "" },
        { PART("model", "", "a") "---b \r\n", "" },
        { PART("model", "", "a") "---bx\r\n" END, "" },
        { "---b\nContent-Disposition: form-data; name=\"model\"\n\na\n---b--\n", "" },
        /* what only some readers take for a delimiter */
        { PART("x", "", "\n---b\nContent-Disposition: form-data; name=\"model\"\n\nb\n---b--")
              PART("model", "", "a") END,
          "" },
        { PART("x", "", "y\n---b") PART("model", "", "a") END, "" },
        { PART("x", "", "y\r---b") PART("model", "", "a") END, "" },
        { PART("x", "", "---b") PART("model", "", "a") END, "" },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct gh_str body = gh_str_from(rows[i].body);
        for (size_t piece = 1; piece < 12; piece++)
            CHECK_ROW(rows[i].body, strcmp(form(body, piece), rows[i].want) == 0);
        CHECK_ROW(rows[i].body, strcmp(form(body, body.len + 1), rows[i].want) == 0);
    }
    static const char file[] = FILE_PART PART("model", "", "m") END;
    CHECK(strcmp(form((struct gh_str){ file, sizeof file - 1 }, 5), "m") == 0);
    CHECK(strcmp(form(repeated("---b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n", "m", 257,
                               "\r\n" END),
                      9),
                 "") == 0);
    CHECK(strcmp(form(repeated("---b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"", "m", 1000,
                               "\"\r\n\r\n\r\n" END),
                      9),
                 "") == 0);
}

TEST(a_boundary_is_read_in_one_way_or_refused) {
    static const char *const good[] = { "multipart/form-data; boundary=-b",
                                        "Multipart/Form-Data;boundary=\"-b\"",
                                        "multipart/form-data ;  Boundary=-b" };
    static const char *const bad[] = { "",
                                       "multipart/form-data",
                                       "multipart/mixed; boundary=-b",
                                       "multipart/form-data; boundary=",
                                       "multipart/form-data; boundary=\"\"",
                                       "multipart/form-data; boundary=\"-b",
                                       "multipart/form-data; boundary=-b; x=y",
                                       "multipart/form-data; charset=utf-8; boundary=-b",
                                       "multipart/form-data; boundary=-b; boundary=-c",
                                       "multipart/form-data; boundary=a b",
                                       "multipart/form-data; boundary=\"a\\b\"",
                                       "multipart/form-data; boundary=a,b",
                                       "multipart/form-data, application/json; boundary=-b",
                                       "application/json",
                                       "multipart/form-data; boundary*=-b",
                                       "multipart/form-data; boundary = -b",
                                       "multipart/form-data; boundary=\xc3\xa9" };
    struct gh_str b;
    for (size_t i = 0; i < GH_COUNT(good); i++)
        CHECK_ROW(good[i], gh_form_boundary(gh_str_from(good[i]), &b) == GH_OK && gh_str_is(b, "-b"));
    for (size_t i = 0; i < GH_COUNT(bad); i++)
        CHECK_ROW(bad[i], gh_form_boundary(gh_str_from(bad[i]), &b) == GH_ERR_BODY_TYPE);
    CHECK(gh_form_boundary(repeated("multipart/form-data; boundary=", "b", 71, ""), &b) == GH_ERR_BODY_TYPE);
}

GH_TESTS(a_name_is_what_means_one_thing_to_every_upstream, a_pattern_is_a_name_or_the_beginning_of_names,
         each_model_needs_the_token_and_the_organization,
         a_json_body_names_its_models_in_one_way_or_is_refused, limits_of_a_json_body_are_refusals,
         a_form_names_its_model_in_one_way_or_is_refused, a_boundary_is_read_in_one_way_or_refused)
