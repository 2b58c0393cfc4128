// SPDX-License-Identifier: Apache-2.0
#include "source/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/resource.h"
#include "source/scan.h"

struct pin {
    char *directory;
    int fd;
    enum pin_way way;
    bool by_proc; /* a descriptor cannot be linked but by its name in /proc */
};

const char *pin_way_word(enum pin_way way)
{
    return way == PIN_LINK ? "link" : "descriptor";
}

enum pin_way pin_way(const struct pin *p)
{
    return p->way;
}

const char *pin_directory(const struct pin *p)
{
    return p->directory;
}

struct pin *pin_close(struct pin *p)
{
    if (!p)
        return NULL;
    if (p->fd >= 0)
        resource_closed(RESOURCE_BASE);
    p->fd = close_fd(p->fd);
    free(p->directory);
    free(p);
    return NULL;
}

/* The kernel links a bare descriptor only for whoever has CAP_DAC_READ_SEARCH; the name in /proc is
 * a longer way for it. */
static int link_descriptor(struct pin *p, int fd, int dirfd, const char *name)
{
    if (!p->by_proc && linkat(fd, "", dirfd, name, AT_EMPTY_PATH) == 0)
        return 0;
    char from[64];
    snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, from, dirfd, name, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    p->by_proc = true;
    return 0;
}

/* Tries it: a file made in Docker's own directory is linked into ours. Docker does not mind: it
 * looks only at directories named by an id. Where we may not write there, linking is found out
 * later, by the first segment. */
static int try_link(struct pin *p, const char *containers, struct error *reason)
{
    struct stat ours, theirs;
    if (fstat(p->fd, &ours) < 0 || stat(containers, &theirs) < 0)
        return error_set(reason, -errno, "cannot compare %s with %s: %s", p->directory, containers,
                         strerror(errno));
    if (ours.st_dev != theirs.st_dev)
        return error_set(reason, -EXDEV,
                         "%s is on another file system than %s; with `pins:` on the same mount, "
                         "for example %s/../tallyman-pins, unread logs would survive a restart",
                         p->directory, containers, containers);

    CLEANUP(close_fd) int probe = open(containers, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (probe < 0)
        return 0;
    char name[64];
    snprintf(name, sizeof(name), ".probe.%d", getpid());
    int r = link_descriptor(p, probe, p->fd, name);
    unlinkat(p->fd, name, 0);
    if (r < 0)
        return error_set(
            reason, r,
            "hard links from %s into %s fail (%s): it is another mount; `pins:` on the "
            "same mount, for example %s/../tallyman-pins, would work",
            containers, p->directory, strerror(-r), containers);
    return 0;
}

static int make_directory(const char *path)
{
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof(copy))
        return -ENAMETOOLONG;
    memcpy(copy, path, strlen(path) + 1);
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            return -errno;
        *p = '/';
    }
    return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int pin_open(struct pin **ret, const char *directory, const char *docker_containers,
             struct error *reason)
{
    CLEANUP(pin_close) struct pin *p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->fd = -1;
    p->directory = strdup(directory);
    if (!p->directory)
        return -ENOMEM;

    int r = make_directory(directory);
    if (r == 0)
        p->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r < 0 || p->fd < 0)
        return error_set(reason, r < 0 ? r : -errno, "cannot make the directory for pins %s: %s",
                         directory, strerror(r < 0 ? -r : errno));
    resource_opened(RESOURCE_BASE);
    pin_find_way(p, docker_containers, reason);
    *ret = TAKE(p);
    return 0;
}

void pin_find_way(struct pin *p, const char *docker_containers, struct error *reason)
{
    p->way = try_link(p, docker_containers, reason) < 0 ? PIN_DESCRIPTOR : PIN_LINK;
}

int pin_segment(struct pin *p, struct segment *s)
{
    if (p->way != PIN_LINK || segment_has_pin(s))
        return 0;
    char path[PATH_MAX];
    int fd;
    int r = home_pin_path(s->home, s->serial, path, sizeof(path));
    if (r < 0)
        return r;
    r = segment_acquire(s, &fd);
    if (r)
        return r < 0 ? r : -ENOENT;
    r = link_descriptor(p, fd, AT_FDCWD, path);
    if (r == -EEXIST) { /* left behind by a serial that was never committed */
        unlink(path);
        r = link_descriptor(p, fd, AT_FDCWD, path);
    }
    segment_release(s);
    if (r == 0)
        segment_set_pinned(s, true);
    return r;
}

/* What was pinned before its row was committed says itself what it is: no record begins so. */
static bool is_gzip(int fd)
{
    unsigned char magic[2];
    return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && magic[0] == 0x1f &&
           magic[1] == 0x8b;
}

int pin_adopt(struct segment *s, uint64_t *ret_size)
{
    char path[PATH_MAX];
    int r = home_pin_path(s->home, s->serial, path, sizeof(path));
    if (r < 0)
        return r;
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    struct file_id file;
    unsigned links;
    r = scan_identify(fd, &file, ret_size, &links);
    if (r < 0)
        return r;
    if (s->file.inode == 0)
        s->file = file;
    if (!file_id_equal(file, s->file))
        return -ESTALE;
    s->gzip = is_gzip(fd);
    segment_set_pinned(s, true);
    return 0;
}

void pin_drop(struct segment *s)
{
    char path[PATH_MAX];
    if (!segment_has_pin(s) || home_pin_path(s->home, s->serial, path, sizeof(path)) < 0)
        return;
    unlink(path);
    segment_set_pinned(s, false);
}

bool pin_parse_name(const char *name, char *id, uint64_t *ret_serial)
{
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name || (size_t)(dot - name) >= PIN_ID_MAX || dot[1] < '1' || dot[1] > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long serial = strtoull(dot + 1, &end, 10);
    if (*end || errno)
        return false;
    memcpy(id, name, (size_t)(dot - name));
    id[dot - name] = '\0';
    *ret_serial = serial;
    return true;
}

int pin_each(struct pin *p,
             int (*visit)(void *context, const char *id, uint64_t serial, const char *path),
             void *context)
{
    CLEANUP(closedir) DIR *dir = opendir(p->directory);
    if (!dir)
        return -errno;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char id[PIN_ID_MAX], path[PATH_MAX];
        uint64_t serial;
        if (!pin_parse_name(entry->d_name, id, &serial))
            continue;
        snprintf(path, sizeof(path), "%s/%s", p->directory, entry->d_name);
        int r = visit(context, id, serial, path);
        if (r)
            return r;
    }
    return 0;
}
