/* cleanup — ownership that can be seen: what a local owns it gives back when it goes out of scope.
 *
 * CLEANUP(f) on a local calls f on its value at the end of the scope; TAKE(p) hands the value over
 * and leaves NULL behind. Destructors accept NULL and half-built objects and return NULL.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK               __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define CLEANUP(f)               __attribute__((cleanup(f##_cleanup)))
#define DEFINE_CLEANUP(type, f)                                                                    \
    static inline void f##_cleanup(type *p)                                                        \
    {                                                                                              \
        if (*p)                                                                                    \
            f(*p);                                                                                 \
    }
#define TAKE(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })
#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Closes `fd` where it is open. Returns -1, so that `fd = close_fd(fd)` forgets it. */
static inline int close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
    return -1;
}

static inline void close_fd_cleanup(int *fd)
{
    close_fd(*fd);
}

/* The value of an owned descriptor, which becomes somebody else's to close. */
#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int taken_ = (fd);                                                                         \
        (fd) = -1;                                                                                 \
        taken_;                                                                                    \
    })

DEFINE_CLEANUP(DIR *, closedir)
DEFINE_CLEANUP(FILE *, fclose)
#define CLEANUP_FREE __attribute__((cleanup(free_any_cleanup)))
static inline void free_any_cleanup(void *p)
{
    free(*(void **)p);
}
