/* Loaded into the program before the C library: makes one of its operations on a folder fail, or ends the process at it.
 *
 * FAULT_UNDER  the folder, as an absolute path; operations elsewhere are not counted
 * FAULT_AT     which operation, from 1
 * FAULT_KIND   kill: the process is killed before it; full: from there on, nothing can be made or written, and the first write
 *              takes half; a number: that operation fails with that errno
 * FAULT_LOG    a file that gets a byte per operation
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum sort { MAKES, WRITES, OTHER };

static atomic_long count;
static int log_file = -1;

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_LOG");
    int (*real)(const char *, int, ...) = next("open64");
    if (path) log_file = real(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static int is_under(const char *path) {
    const char *under = getenv("FAULT_UNDER");
    return under && strncmp(path, under, strlen(under)) == 0;
}

/* 0: do it; else the errno. -1: write half of it. */
static int fault(const char *path, enum sort sort) {
    if (!is_under(path)) return 0;
    long at = atomic_fetch_add(&count, 1) + 1;
    ssize_t (*log)(int, const void *, size_t) = next("write");
    if (log_file >= 0 && log(log_file, ".", 1) != 1) abort();
    const char *wanted = getenv("FAULT_AT"), *kind = getenv("FAULT_KIND");
    if (!wanted || !kind || at < atol(wanted)) return 0;
    if (strcmp(kind, "full") == 0) {
        if (sort == OTHER) return 0;
        return at == atol(wanted) && sort == WRITES ? -1 : ENOSPC;
    }
    if (at > atol(wanted)) return 0;
    if (strcmp(kind, "kill") == 0) kill(getpid(), SIGKILL);
    return atoi(kind);
}

/* The path of a name that may be relative to the working folder or to an open one. */
static const char *whole(int folder, const char *path, char *buffer, size_t size) {
    char link[64];
    if (path[0] == '/') return path;
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, buffer, size - 1);
    if (length < 0) return path;
    snprintf(buffer + length, size - length, "/%s", path);
    return buffer;
}

#define FAULT(folder, path, sort)                                          \
    do {                                                                   \
        char buffer[8192];                                                 \
        int error = fault(whole(folder, path, buffer, sizeof buffer), sort); \
        if (error) {                                                       \
            errno = error < 0 ? ENOSPC : error;                            \
            return -1;                                                     \
        }                                                                  \
    } while (0)

int open64(const char *path, int flags, ...) {
    int (*real)(const char *, int, ...) = next("open64");
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (flags & (O_CREAT | O_WRONLY | O_RDWR)) FAULT(AT_FDCWD, path, flags & O_CREAT ? MAKES : OTHER);
    return real(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t size) {
    ssize_t (*real)(int, const void *, size_t) = next("write");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        int error = fault(path, WRITES);
        if (error < 0 && size > 1) return real(fd, bytes, size / 2);
        if (error) {
            errno = error < 0 ? ENOSPC : error;
            return -1;
        }
    }
    return real(fd, bytes, size);
}

int rename(const char *from, const char *to) {
    int (*real)(const char *, const char *) = next("rename");
    FAULT(AT_FDCWD, to, OTHER);
    return real(from, to);
}

int mkdir(const char *path, mode_t mode) {
    int (*real)(const char *, mode_t) = next("mkdir");
    FAULT(AT_FDCWD, path, MAKES);
    return real(path, mode);
}

int unlink(const char *path) {
    int (*real)(const char *) = next("unlink");
    FAULT(AT_FDCWD, path, OTHER);
    return real(path);
}

int unlinkat(int folder, const char *path, int flags) {
    int (*real)(int, const char *, int) = next("unlinkat");
    FAULT(folder, path, OTHER);
    return real(folder, path, flags);
}

int rmdir(const char *path) {
    int (*real)(const char *) = next("rmdir");
    FAULT(AT_FDCWD, path, OTHER);
    return real(path);
}

int fsync(int fd) {
    int (*real)(int) = next("fsync");
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    char path[4096];
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        FAULT(AT_FDCWD, path, OTHER);
    }
    return real(fd);
}
