/* gateway/directives_text.c - the directives as people read them: prints the man page out of its frame
 * (docs/man/gatehouse_nginx.5.in), or puts the same into docs/gateway.md between its marks. A build tool. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/directives.h"

#define IN_ANY "http, server, location"
#define IN_HTTP "http"
#define IN_PLACE "location"

static const struct {
    const char *name, *arguments, *where, *standard, *text;
} directives[] = {
#define ROW(name, arguments, where, count, setter, field, post, standard, text)                              \
    { name, arguments, where, standard, text },
    NGX_HTTP_GATEHOUSE_DIRECTIVES(ROW)
#undef ROW
};

#define COUNT (sizeof directives / sizeof directives[0])

/* Sentences begin lines, as mdoc wants it; one that began with '.' or a quote would be a request of roff. */
static void roff_text(FILE *out, const char *text) {
    bool typed = false, start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        start = false;
        if (*text == '`') {
            typed = !typed;
            fputs(typed ? "\\fB" : "\\fR", out);
        } else if (*text == '\\') {
            fputs("\\e", out);
        } else if (*text == '-') {
            fputs("\\-", out);
        } else if (text[0] == '\n' && text[1] == '\n') {
            fputs("\n.Pp\n", out);
            text++;
            start = true;
        } else if (text[0] == ' ' && text[-1] == '.') {
            fputc('\n', out);
            start = true;
        } else {
            fputc(*text, out);
        }
    }
    fputc('\n', out);
}

static void roff(FILE *out) {
    for (size_t i = 0; i < COUNT; i++) {
        fprintf(out, ".It Ic %s Ar %s ;\n.Pp\n.Em Default :\n", directives[i].name, directives[i].arguments);
        roff_text(out, directives[i].standard ? directives[i].standard : "none");
        fprintf(out, ".br\n.Em Context :\n%s\n.Pp\n", directives[i].where);
        roff_text(out, directives[i].text);
    }
}

/* Lines of at most 140 characters, as in the rest of docs/. */
static void wrapped(FILE *out, const char *text) {
    size_t column = 0;
    while (*text) {
        if (*text == '\n') { /* "\n\n" */
            fputs("\n\n", out);
            text += 2;
            column = 0;
            continue;
        }
        size_t len = strcspn(text, " \n");
        if (column > 0 && column + 1 + len > 140) {
            fputc('\n', out);
            column = 0;
        } else if (column > 0) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, len, out);
        column += len;
        text += len;
        text += *text == ' ';
    }
    fputc('\n', out);
}

static void markdown(FILE *out) {
    for (size_t i = 0; i < COUNT; i++) {
        bool anywhere = strcmp(directives[i].where, IN_ANY) == 0;
        fprintf(out, "\n    %s %s\n\n", directives[i].name, directives[i].arguments);
        if (directives[i].standard)
            fprintf(out, "Default: %s.%s", directives[i].standard, anywhere ? "\n\n" : " ");
        if (!anywhere)
            fprintf(out, "In `%s` only.\n\n", directives[i].where);
        wrapped(out, directives[i].text);
    }
    fputc('\n', out);
}

static char *read_whole(const char *path) {
    FILE *f = fopen(path, "r");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    long len = ftell(f);
    rewind(f);
    char *text = calloc((size_t)len + 1, 1);
    if (!text || fread(text, 1, (size_t)len, f) != (size_t)len) {
        perror(path);
        exit(2);
    }
    fclose(f);
    return text;
}

/* Everything of a page but what lies between the two marks, which `write` says anew. */
struct page {
    char *text;
    const char *begin, *end; /* behind the first mark, before the second */
};

static struct page open_page(const char *path, const char *begin, const char *end) {
    struct page p = { .text = read_whole(path) };
    p.begin = strstr(p.text, begin);
    p.begin = p.begin ? p.begin + strlen(begin) : NULL;
    p.end = p.begin ? strstr(p.begin, end) : NULL;
    if (!p.end) {
        fprintf(stderr, "%s: has no \"%s\" and \"%s\"\n", path, begin, end);
        exit(2);
    }
    return p;
}

static int print_page(FILE *out, struct page *p, void (*write)(FILE *)) {
    fwrite(p->text, 1, (size_t)(p->begin - p->text), out);
    write(out);
    fputs(p->end, out);
    free(p->text);
    return fflush(out) != 0 || ferror(out);
}

int main(int argc, char **argv) {
    const char *what = argc == 3 ? argv[1] : "";
    if (strcmp(what, "--man") == 0) {
        struct page p = open_page(argv[2], ".\\\" directives\n", ".\\\" end");
        return print_page(stdout, &p, roff);
    }
    if (strcmp(what, "--show") == 0 || strcmp(what, "--renew") == 0) {
        struct page p = open_page(argv[2], "<!-- directives -->\n", "<!-- end of directives -->");
        FILE *out = strcmp(what, "--show") == 0 ? stdout : fopen(argv[2], "w");
        if (!out) {
            perror(argv[2]);
            return 2;
        }
        return print_page(out, &p, markdown);
    }
    fputs("usage: directives_text --man FRAME | --show PAGE | --renew PAGE\n", stderr);
    return 2;
}
