#include "tenant/login/template.h"

#include <string.h>

#include "core/cleanup.h"
#include "tests/check.h"

/* Renders `text` with JSON `data` and compares. */
static bool renders(const char *text, const char *data, const char *want) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    gh_auto(gh_buf_release) struct gh_buf out = gh_buf_make(1 << 16);
    const struct gh_template *t;
    char why[160];
    json_auto_t *object = json_loads(data, 0, NULL);
    if (!object || gh_template_parse(a, gh_str_from(text), &t, why) != GH_OK)
        return false;
    gh_template_render(t, object, &out);
    if (!out.failed && gh_str_is(gh_buf_str(&out), want))
        return true;
    print_error("got: %.*s\n", GH_STR_FMT(gh_buf_str(&out)));
    return false;
}

static enum gh_err parses(const char *text) {
    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    const struct gh_template *t;
    char why[160];
    return gh_template_parse(a, gh_str_from(text), &t, why);
}

TEST(a_value_is_escaped_for_the_place_where_it_stands) {
    static const struct {
        const char *text, *data, *want;
    } rows[] = {
        { "<p>{{ v }}</p>", "{\"v\":\"a<b>&'\\\"\"}", "<p>a&lt;b&gt;&amp;&#39;&quot;</p>" },
        { "<p>{{v}}</p>", "{}", "<p></p>" },
        { "<p>{{a.b}}</p>", "{\"a\":{\"b\":\"x\"}}", "<p>x</p>" },
        { "<p>{{a.b.c}}</p>", "{\"a\":{\"b\":\"x\"}}", "<p></p>" },
        { "<p>{{n}}</p>", "{\"n\":12}", "<p>12</p>" },
        { "<input value=\"{{v}}\">", "{\"v\":\"\\\" onfocus=x\"}", "<input value=\"&quot; onfocus=x\">" },
        { "<a href=\"{{u}}\">", "{\"u\":\"javascript:alert(1)\"}", "<a href=\"about:invalid\">" },
        { "<a href=\"{{u}}\">", "{\"u\":\"java\\nscript:alert(1)\"}", "<a href=\"about:invalid\">" },
        { "<a href=\"{{u}}\">", "{\"u\":\"//evil.example\"}", "<a href=\"about:invalid\">" },
        { "<a href=\"{{u}}\">", "{\"u\":\"/\\\\evil.example\"}", "<a href=\"about:invalid\">" },
        { "<a href=\"{{u}}\">", "{\"u\":\"/u/login?a=1&b=\\\"\"}", "<a href=\"/u/login?a=1&amp;b=&quot;\">" },
        { "<img src=\"{{u}}\">", "{\"u\":\"data:image/svg+xml,x\"}", "<img src=\"about:invalid\">" },
        { "<img src=\"{{u}}\">", "{\"u\":\"https://cdn.example/l.png\"}",
          "<img src=\"https://cdn.example/l.png\">" },
        { "<style>a{color:{{c}}}</style>{{t}}", "{\"c\":\"#0059d6\",\"t\":\"<\"}",
          "<style>a{color:#0059d6}</style>&lt;" },
        { "<style>a{color:{{c}}}</style>", "{\"c\":\"red;}</style><script>\"}",
          "<style>a{color:transparent}</style>" },
        { "<style>a{color:{{c}}}</style>", "{\"c\":\"#12345\"}", "<style>a{color:transparent}</style>" },
        { "<style></stylex {{c}}", "{\"c\":\"x\"}", "<style></stylex transparent" }, /* still inside */
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i].text, renders(rows[i].text, rows[i].data, rows[i].want));
}

TEST(blocks_choose_and_repeat) {
    CHECK(renders("{% if a %}yes{% else %}no{% endif %}", "{\"a\":true}", "yes"));
    CHECK(renders("{% if a %}yes{% else %}no{% endif %}", "{\"a\":\"\"}", "no"));
    CHECK(renders("{% if a %}yes{% else %}no{% endif %}", "{}", "no"));
    CHECK(renders("{% if a %}{% if b %}1{% endif %}2{% endif %}3", "{\"a\":1}", "23"));
    CHECK(renders("<i {% if a %}hidden{% endif %}>", "{\"a\":\"x\"}", "<i hidden>") ==
          false); /* leaves an open name */
    CHECK(renders("<i {% if a %}id=\"b\" {% endif %}>", "{\"a\":\"x\"}", "<i id=\"b\" >"));
    CHECK(renders("{% for o in l %}<b>{{ o.n }}</b>{% endfor %}.", "{\"l\":[{\"n\":\"1\"},{\"n\":\"<\"}]}",
                  "<b>1</b><b>&lt;</b>."));
    CHECK(renders("{% for o in l %}x{% endfor %}.", "{\"l\":[]}", "."));
    CHECK(renders("{% for o in l %}{% for p in o %}{{p}}{% endfor %};{% endfor %}",
                  "{\"l\":[[\"a\",\"b\"],[\"c\"]]}", "ab;c;"));
}

TEST(a_value_does_not_parse_where_it_could_act) {
    static const char *const rows[] = {
        "<script>{{v}}</script>",
        "<p onclick=\"{{v}}\">",
        "<p style=\"{{v}}\">",
        "<iframe srcdoc=\"{{v}}\">",
        "<p title='{{v}}'>",
        "<p title={{v}}>",
        "<{{v}}>",
        "<p {{v}}>",
        "<p {{v}}=\"x\">",
        "<!-- {{v}} -->",
        "<!-- {{v}}",
        "<meta http-equiv=\"refresh\" content=\"{{v}}\">",
        "</style{{v}}>",
        "<p title='x'>{{v}}</p>", /* behind a single quote we do not know where we are */
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i], parses(rows[i]) == GH_ERR_MALFORMED);
}

TEST(what_is_no_template_is_refused_with_a_line) {
    static const char *const rows[] = {
        "{{",
        "{{ }}",
        "{{ a",
        "{{ a | raw }}",
        "{{ .a }}",
        "{{ a. }}",
        "{{ a-b }}",
        "{% if %}{% endif %}",
        "{% if a %}",
        "{% endif %}",
        "{% else %}",
        "{% endfor %}",
        "{% if a %}{% endfor %}",
        "{% for a in b %}{% endif %}",
        "{% for a in b %}{% else %}{% endfor %}",
        "{% for a of b %}{% endfor %}",
        "{% for a.b in c %}{% endfor %}",
        "{% include 'x' %}",
        "{% if a %}<p title=\"{% endif %}",
        "{% if a %}<style>{% else %}{% endif %}",
        "{% if a %}{% if a %}{% if a %}{% if a %}{% if a %}{% if a %}{% if a %}{% if a %}{% if a %}",
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++)
        CHECK_ROW(rows[i], parses(rows[i]) == GH_ERR_MALFORMED);

    gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(1 << 20);
    const struct gh_template *t;
    char why[160];
    CHECK(gh_template_parse(a, GH_STR("a\nb\n{% huh %}"), &t, why) == GH_ERR_MALFORMED);
    CHECK(strcmp(why, "line 3: unknown tag") == 0);
}

TEST(a_template_out_of_memory_says_so) {
    struct gh_str text = GH_STR("<p>{{ a }}{% if b %}x{% endif %}</p>");
    enum gh_err e = GH_ERR_NOMEM;
    for (size_t cap = 0; e == GH_ERR_NOMEM && cap < 8192; cap += 64) {
        gh_auto(gh_arena_freep) struct gh_arena *a = gh_arena_new(cap);
        const struct gh_template *t;
        char why[160];
        if (a)
            e = gh_template_parse(a, text, &t, why);
    }
    CHECK(e == GH_OK);
}

GH_TESTS(a_value_is_escaped_for_the_place_where_it_stands, blocks_choose_and_repeat,
         a_value_does_not_parse_where_it_could_act, what_is_no_template_is_refused_with_a_line,
         a_template_out_of_memory_says_so)
