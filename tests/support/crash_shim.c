// SPDX-License-Identifier: Apache-2.0
/* crash_shim — a preloaded library that ends the program at a chosen call to the kernel, or makes
 * such a call fail.
 *
 *     LD_PRELOAD=crash_shim.so CRASH_SHIM_…=… program
 *
 * It stands before the calls that change files: write pwrite fsync fdatasync rename renameat
 * renameat2 ftruncate link linkat unlink unlinkat, of the program and of its libraries. (Not those
 * that libc makes within itself: stdio's.) A call counts if it is about a regular file, a directory
 * or a path; pipes, sockets and terminals pass.
 *
 * A call site is written FUNCTION:MODULE+0xOFFSET, the offset of the return address in the module,
 * which `addr2line -e MODULE 0xOFFSET` shows as a line.
 *
 *     CRASH_SHIM_LIST=FILE            at the end of the program, append a line "SITE COUNT" for
 * each CRASH_SHIM_SITE=SITE:N          die at the N-th call of that site CRASH_SHIM_NTH=N die at
 * the N-th call of all CRASH_SHIM_AFTER=1              die right after that call, not right before
 *     CRASH_SHIM_TORN=1               if it is a write, write half of the bytes before
 *     CRASH_SHIM_FAIL=FUNCTION:ERRNO:FROM:COUNT
 *                                     from the FROM-th call of that function on (or of any), COUNT
 *                                     calls answer ERRNO (a number, or one of the names below); 0:
 *                                     all of them
 *     CRASH_SHIM_PATH=TEXT            only calls count whose path holds the text
 *
 * To die is SIGKILL: no handler, no destructor, no buffer is written. What it cannot understand
 * ends the program at its first call, with a sentence, so that a typing error is no passed test.
 */

/* Both names of a call are wrapped, so one must not stand for the other. */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SITES_MAX = 512, SITE_TEXT_MAX = 256 };

struct site {
    const char *function;
    const void *address; /* where the call returns to */
    char text[SITE_TEXT_MAX];
    unsigned long count;
};

/* What the environment asks for. Written once. */
static struct {
    const char *list;
    const char *path;
    char site[SITE_TEXT_MAX];
    unsigned long site_call; /* counts from 1; 0: none */
    unsigned long nth;       /* counts from 1; 0: none */
    bool after, torn;
    char failing[32]; /* the function's name, "any", or "" */
    int fail_errno;
    unsigned long fail_from, fail_count;
} asked;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What was seen. Under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct site sites[SITES_MAX];
static size_t site_count;
static unsigned long call_count, failing_call_count;

_Noreturn static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

_Noreturn static void stop(const char *what, const char *detail)
{
    fprintf(stderr, "crash_shim: %s: %s\n", what, detail);
    abort();
}

_Noreturn static void misunderstood(const char *name, const char *value)
{
    fprintf(stderr, "crash_shim: %s=%s makes no sense\n", name, value);
    abort();
}

static unsigned long number(const char *name, const char *value, const char *text)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (errno || end == text || *end || *text == '-')
        misunderstood(name, value);
    return n;
}

static int errno_named(const char *name)
{
    static const struct {
        const char *name;
        int value;
    } known[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS},
                 {"EACCES", EACCES}, {"EPERM", EPERM},   {"EINTR", EINTR},   {"EXDEV", EXDEV},
                 {"EMFILE", EMFILE}, {"EMLINK", EMLINK}, {"ENOENT", ENOENT}, {"EEXIST", EEXIST}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].value;
    return 0;
}

static void read_site(const char *value)
{
    const char *colon = strrchr(value, ':');
    if (!colon || (size_t)(colon - value) >= sizeof(asked.site))
        misunderstood("CRASH_SHIM_SITE", value);
    memcpy(asked.site, value, (size_t)(colon - value));
    asked.site_call = number("CRASH_SHIM_SITE", value, colon + 1);
}

static void read_failure(const char *value)
{
    char name[32], from[32], count[32];
    if (sscanf(value, "%31[^:]:%31[^:]:%31[^:]:%31[^:]", asked.failing, name, from, count) != 4)
        misunderstood("CRASH_SHIM_FAIL", value);
    asked.fail_errno = errno_named(name);
    if (!asked.fail_errno)
        asked.fail_errno = (int)number("CRASH_SHIM_FAIL", value, name);
    asked.fail_from = number("CRASH_SHIM_FAIL", value, from);
    asked.fail_count = number("CRASH_SHIM_FAIL", value, count);
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && strcmp(value, "1") == 0;
}

static void read_environment(void)
{
    const char *site = getenv("CRASH_SHIM_SITE"), *nth = getenv("CRASH_SHIM_NTH"),
               *failure = getenv("CRASH_SHIM_FAIL");

    asked.list = getenv("CRASH_SHIM_LIST");
    asked.path = getenv("CRASH_SHIM_PATH");
    asked.after = is_set("CRASH_SHIM_AFTER");
    asked.torn = is_set("CRASH_SHIM_TORN");
    if (site)
        read_site(site);
    if (nth)
        asked.nth = number("CRASH_SHIM_NTH", nth, nth);
    if (failure)
        read_failure(failure);
}

/* One write per process, so that several may append to one file. */
__attribute__((destructor)) static void write_list(void)
{
    if (!asked.list)
        return;

    FILE *list = fopen(asked.list, "a");
    if (!list)
        stop("cannot write the list", asked.list);
    setvbuf(list, NULL, _IOFBF, (size_t)SITES_MAX * (SITE_TEXT_MAX + 32));
    for (size_t i = 0; i < site_count; i++)
        fprintf(list, "%s %lu\n", sites[i].text, sites[i].count);
    fclose(list);
}

static void name_site(struct site *site)
{
    Dl_info module;
    const char *name = "unknown";
    uintptr_t offset = (uintptr_t)site->address;

    if (dladdr(site->address, &module)) {
        const char *slash = strrchr(module.dli_fname, '/');
        name = slash ? slash + 1 : module.dli_fname;
        offset -= (uintptr_t)module.dli_fbase;
    }
    snprintf(site->text, sizeof(site->text), "%s:%s+0x%lx", site->function, name,
             (unsigned long)offset);
}

static struct site *find_site(const char *function, const void *address)
{
    for (size_t i = 0; i < site_count; i++)
        if (sites[i].address == address && strcmp(sites[i].function, function) == 0)
            return &sites[i];

    if (site_count == SITES_MAX)
        stop("more call sites than SITES_MAX, at", function);
    struct site *site = &sites[site_count++];
    site->function = function;
    site->address = address;
    name_site(site);
    return site;
}

/* Whether this call of the function is one of those that fail. */
static bool fails(const char *function)
{
    if (strcmp(asked.failing, function) != 0 && strcmp(asked.failing, "any") != 0)
        return false;

    unsigned long call = ++failing_call_count;
    return call >= asked.fail_from &&
           (asked.fail_count == 0 || call - asked.fail_from < asked.fail_count);
}

struct verdict {
    bool tear;      /* write half, then die */
    bool die_after; /* the call, whatever it answers */
    int fail_errno; /* answer this instead of calling; 0: call */
};

/* Counts a call, and says what becomes of it; does not come back if it is the end. */
static struct verdict judge(const char *function, const void *address, bool is_write)
{
    pthread_mutex_lock(&lock);
    struct site *site = find_site(function, address);
    site->count++;
    call_count++;
    bool chosen = (site->count == asked.site_call && strcmp(site->text, asked.site) == 0) ||
                  call_count == asked.nth;
    struct verdict verdict = {.fail_errno = fails(function) ? asked.fail_errno : 0};
    pthread_mutex_unlock(&lock);

    if (!chosen)
        return verdict;
    if (asked.torn && is_write)
        return (struct verdict){.tear = true};
    if (asked.after)
        return (struct verdict){.die_after = true};
    die();
}

static bool path_counts(const char *path, const char *other)
{
    pthread_once(&once, read_environment);
    return !asked.path || strstr(path, asked.path) || (other && strstr(other, asked.path));
}

static bool file_counts(int fd)
{
    char link[40], path[PATH_MAX];
    struct stat st;

    pthread_once(&once, read_environment);
    if (fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return false;
    if (!asked.path)
        return true;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof(path) - 1);
    path[size > 0 ? size : 0] = '\0';
    return path_counts(path, NULL);
}

/* The next one of that name after ours: libc's, or a sanitizer's. */
static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        stop("nobody has", name);
    return function;
}

/* The function as libc has it, with judgement before: `counts` says whether the call is about a
 * file, `half` is a write with half of its bytes. */
#define WRAP_ANY(result, name, parameters, counts, is_write, arguments, half)                      \
    result name parameters                                                                         \
    {                                                                                              \
        result(*real) parameters = (result(*) parameters)next(#name);                              \
        if (!(counts))                                                                             \
            return real arguments;                                                                 \
                                                                                                   \
        struct verdict verdict = judge(#name, __builtin_return_address(0), is_write);              \
        if (verdict.fail_errno) {                                                                  \
            errno = verdict.fail_errno;                                                            \
            return -1;                                                                             \
        }                                                                                          \
        result answer = verdict.tear ? real half : real arguments;                                 \
        if (verdict.tear || verdict.die_after)                                                     \
            die();                                                                                 \
        return answer;                                                                             \
    }
#define WRAP_WRITE(name, parameters, arguments, half)                                              \
    WRAP_ANY(ssize_t, name, parameters, file_counts(fd), true, arguments, half)
#define WRAP(name, parameters, counts, arguments)                                                  \
    WRAP_ANY(int, name, parameters, counts, false, arguments, arguments)

WRAP_WRITE(write, (int fd, const void *data, size_t size), (fd, data, size), (fd, data, size / 2))
WRAP_WRITE(pwrite, (int fd, const void *data, size_t size, off_t offset), (fd, data, size, offset),
           (fd, data, size / 2, offset))
WRAP_WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t offset),
           (fd, data, size, offset), (fd, data, size / 2, offset))

WRAP(fsync, (int fd), file_counts(fd), (fd))
WRAP(fdatasync, (int fd), file_counts(fd), (fd))
WRAP(ftruncate, (int fd, off_t size), file_counts(fd), (fd, size))
WRAP(ftruncate64, (int fd, off64_t size), file_counts(fd), (fd, size))

WRAP(rename, (const char *from, const char *to), path_counts(from, to), (from, to))
WRAP(renameat, (int from_fd, const char *from, int to_fd, const char *to), path_counts(from, to),
     (from_fd, from, to_fd, to))
WRAP(renameat2, (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
     path_counts(from, to), (from_fd, from, to_fd, to, flags))
WRAP(link, (const char *from, const char *to), path_counts(from, to), (from, to))
WRAP(linkat, (int from_fd, const char *from, int to_fd, const char *to, int flags),
     path_counts(from, to), (from_fd, from, to_fd, to, flags))
WRAP(unlink, (const char *path), path_counts(path, NULL), (path))
WRAP(unlinkat, (int fd, const char *path, int flags), path_counts(path, NULL), (fd, path, flags))
