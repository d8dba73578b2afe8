/* fuzz/replay.c - runs a target over files and folders of seeds: `replay_json fuzz/seeds/json`. Each input
 * stands at the end of its own allocation, so that a sanitizer sees a read behind it, and is also tried cut
 * short at each place, since a parser has to survive every prefix. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

#define PREFIXES_MAX 4096 /* longer seeds are cut in steps */

static size_t runs;

static void run(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    runs++;
}

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    long len = ftell(f);
    rewind(f);
    uint8_t *data = malloc((size_t)len + 1);
    if (!data || fread(data, 1, (size_t)len, f) != (size_t)len) {
        perror(path);
        exit(2);
    }
    fclose(f);
    *size = (size_t)len;
    return data;
}

static void replay_file(const char *path) {
    size_t size;
    uint8_t *data = read_file(path, &size);
    fprintf(stderr, "%s\n", path); /* the last line before an abort names the culprit */
    run(data, size);
    size_t step = size / PREFIXES_MAX + 1;
    for (size_t cut = 0; cut < size; cut += step)
        run(data, cut);
    free(data);
}

static void replay(const char *path) {
    DIR *dir = opendir(path);
    if (!dir) {
        replay_file(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        char inner[4096];
        if (entry->d_name[0] != '.' &&
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner)
            replay(inner);
    }
    closedir(dir);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%zu inputs\n", runs);
    return runs == 0; /* a folder without seeds proves nothing */
}
