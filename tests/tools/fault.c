/* tests/tools/fault.c - for LD_PRELOAD: lets one chosen call for memory, a mapping or a file fail, once.
 * GH_FAULT names a file of four 64-bit words that the test maps too, or reads and writes:
 *   [0] 1: count   [1] calls counted   [2] which one fails, from 1   [3] how many failed
 * In x86-64 and aarch64 Linux alike: newfstatat is there in both. */
/* Both spellings of each name are ours: open and open64. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARMED, CALLS, FAIL_AT, FAILED, WORDS };

static _Atomic uint64_t *words;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* By system calls, so that nothing here asks what we stand before. */
__attribute__((constructor)) static void map_words(void) {
    const char *path = getenv("GH_FAULT");
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR, 0) : -1;
    if (fd < 0)
        return;
    long at = syscall(SYS_mmap, NULL, WORDS * sizeof *words, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (at > 0)
        words = (_Atomic uint64_t *)at;
}

static bool fails(void) {
    if (!words || words[ARMED] == 0)
        return false;
    if (atomic_fetch_add(&words[CALLS], 1) + 1 != words[FAIL_AT])
        return false;
    atomic_fetch_add(&words[FAILED], 1);
    return true;
}

/* ---- memory ---- */

static bool no_memory(void) {
    if (!fails())
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) {
    return no_memory() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return no_memory() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t size) {
    return no_memory() ? NULL : __libc_realloc(p, size);
}

void *memalign(size_t alignment, size_t size) {
    return no_memory() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return no_memory() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size) {
    void *p = no_memory() ? NULL : __libc_memalign(alignment, size);
    if (!p)
        return ENOMEM;
    *ret = p;
    return 0;
}

/* ---- mappings and files ---- */

static long asked(long number, long a, long b, long c, long d, long e, long f, int error) {
    if (fails()) {
        errno = error;
        return -1;
    }
    return syscall(number, a, b, c, d, e, f);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    return (void *)asked(SYS_mmap, (long)at, (long)size, protection, flags, fd, offset, ENOMEM);
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));

int open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
    va_end(args);
    return (int)asked(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0, EMFILE);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

ssize_t read(int fd, void *to, size_t size) {
    return asked(SYS_read, fd, (long)to, (long)size, 0, 0, 0, EIO);
}

ssize_t pread(int fd, void *to, size_t size, off_t offset) {
    return asked(SYS_pread64, fd, (long)to, (long)size, offset, 0, 0, EIO);
}

ssize_t pread64(int fd, void *to, size_t size, off_t offset) __attribute__((alias("pread")));

int fstat(int fd, struct stat *ret) {
    return (int)asked(SYS_newfstatat, fd, (long)"", (long)ret, AT_EMPTY_PATH, 0, 0, EIO);
}

int fstat64(int fd, struct stat64 *ret) __attribute__((alias("fstat")));

int stat(const char *path, struct stat *ret) {
    return (int)asked(SYS_newfstatat, AT_FDCWD, (long)path, (long)ret, 0, 0, 0, EIO);
}

int stat64(const char *path, struct stat64 *ret) __attribute__((alias("stat")));
