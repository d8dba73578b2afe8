#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/stack/stack.h"
#include "sys/file.h"

bool gh_stack_path(char *room, size_t size, const char *dir, const char *before, const char *stack,
                   const char *after) {
    int len = snprintf(room, size, "%s/%s%s%s", dir, before, stack, after);
    return len > 0 && (size_t)len < size;
}

bool gh_stack_exists(const char *dir, const char *stack) {
    static const char *const places[][2] = { { "Pulumi.", ".yaml" },
                                             { ".gatehouse/", ".json" },
                                             { ".gatehouse/", ".journal" } };
    char path[4096];
    for (size_t i = 0; i < GH_COUNT(places); i++)
        if (gh_stack_path(path, sizeof path, dir, places[i][0], stack, places[i][1]) && gh_file_exists(path))
            return true;
    return false;
}

bool gh_stack_remember(const char *dir, const char *stack) {
    char folder[4096], path[4096], line[256];
    if (!gh_stack_path(folder, sizeof folder, dir, ".gatehouse", "", "") ||
        !gh_stack_path(path, sizeof path, dir, ".gatehouse/selected", "", ""))
        return false;
    if (!*stack)
        return unlink(path) == 0 || !gh_file_exists(path);
    snprintf(line, sizeof line, "%s\n", stack);
    enum gh_err e = gh_dir_make(folder, 0700);
    e = e ? e : gh_file_write_atomic(path, gh_str_from(line), 0600);
    if (e)
        fprintf(stderr, "error: the choice cannot be kept in %s: it %s\n", path, gh_err_text(e));
    return !e;
}

/* "dev" of "Pulumi.dev.yaml" */
static void add_names(json_t *set, const char *dir, const char *before, const char *after) {
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        struct gh_str name = gh_str_from(entry->d_name);
        size_t around = strlen(before) + strlen(after);
        if (name.len <= around || !gh_str_starts(name, gh_str_from(before)) ||
            !gh_str_ends(name, gh_str_from(after)))
            continue;
        json_object_setn_new(set, name.ptr + strlen(before), name.len - around, json_true());
    }
    if (d)
        closedir(d);
}

static int by_text(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

json_t *gh_stack_names(const char *dir) {
    char folder[4096];
    json_t *set = json_object(), *ret = json_array(), *value;
    add_names(set, dir, "Pulumi.", ".yaml");
    if (gh_stack_path(folder, sizeof folder, dir, ".gatehouse", "", "")) {
        add_names(set, folder, "", ".json");
        add_names(set, folder, "", ".journal"); /* of a first run that was cut off */
    }
    size_t n = 0;
    const char *key, **names = calloc(json_object_size(set) + 1, sizeof *names);
    json_object_foreach(names ? set : NULL, key, value) names[n++] = key;
    if (names)
        qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(ret, json_string(names[i]));
    free(names);
    json_decref(set);
    return ret;
}
