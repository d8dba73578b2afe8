/* sys/file.h - files that are whole or absent. */
#pragma once
#include <sys/types.h>

#include "core/arena.h"
#include "core/err.h"

/* The whole file, at most `max` bytes, no symlink at the end of the path. NOT_FOUND, TOO_LARGE, IO, NOMEM. */
enum gh_err gh_file_read(struct gh_arena *a, const char *path, size_t max, struct gh_str *ret);

/* Writes beside, fsyncs, renames, fsyncs the folder: after a crash the old or the new content, never a part.
 * IO. */
enum gh_err gh_file_write_atomic(const char *path, struct gh_str content, mode_t mode);

/* mkdir with that mode; fine when it is there already and is a folder of ours. IO. */
enum gh_err gh_dir_make(const char *path, mode_t mode);
bool gh_file_exists(const char *path);

/* An exclusive flock on the file (made when absent), held until the returned descriptor closes. BUSY when
 * another process has it, IO. */
enum gh_err gh_file_lock(const char *path, int *ret_fd);
