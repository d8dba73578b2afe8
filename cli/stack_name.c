#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/stack_run.h"

/* It becomes part of file names. */
static bool is_name(const char *text) {
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(text);
    return len > 0 && len <= 100 && text[0] != '.' && strspn(text, good) == len;
}

/* The <name> of the only Pulumi.<name>.yaml; false when there is none, or more than one. */
static bool only_stack(const char *dir, char *room, size_t size) {
    DIR *d = opendir(dir);
    size_t found = 0;
    if (!d)
        return false;
    for (struct dirent *entry; (entry = readdir(d));) {
        int len = 0;
        char name[101] = "";
        if (sscanf(entry->d_name, "Pulumi.%100[^/]%n", name, &len) != 1 || strlen(name) < 6)
            continue;
        char *tail = name + strlen(name) - 5;
        if (entry->d_name[len] || strcmp(tail, ".yaml") != 0)
            continue;
        *tail = '\0';
        found++;
        snprintf(room, size, "%s", name);
    }
    closedir(d);
    return found == 1;
}

const char *gh_stack_selected(const char *dir, char *room, size_t size) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/.gatehouse/selected", dir) >= (int)sizeof path)
        return NULL;
    FILE *f = fopen(path, "re");
    bool read = f && fgets(room, (int)size, f);
    if (f)
        fclose(f);
    if (!read)
        return NULL;
    room[strcspn(room, "\n")] = '\0';
    return *room ? room : NULL;
}

const char *gh_stack_name(const char *dir, const char *given, char *room, size_t size) {
    const char *name = given ? given : getenv("PULUMI_STACK");
    if (!name || !*name)
        name = gh_stack_selected(dir, room, size);
    if (!name)
        name = only_stack(dir, room, size) ? room : "dev";
    const char *last = strrchr(name, '/'); /* organization/project/stack, as Pulumi writes it */
    name = last ? last + 1 : name;
    if (is_name(name))
        return name;
    fprintf(stderr, "error: '%s' is no stack name: letters, digits, dots, hyphens and underscores\n", name);
    return NULL;
}
