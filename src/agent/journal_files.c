// SPDX-License-Identifier: Apache-2.0
#include "agent/journal_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"

enum { DEPTH_MAX = 1 /* below the directory: those of the machines */ };

static bool is_journal(const char *name)
{
    size_t size = strlen(name), ending = sizeof(".journal") - 1;
    return size > ending && strcmp(name + size - ending, ".journal") == 0;
}

static enum journal_files refused(void)
{
    return errno == EACCES || errno == EPERM ? JOURNAL_FILES_FORBIDDEN : JOURNAL_FILES_NONE;
}

static enum journal_files try_file(int dir_fd, const char *name)
{
    CLEANUP(close_fd) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? refused() : JOURNAL_FILES_READABLE;
}

static enum journal_files look(int dir_fd, const char *path, int depth)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    enum journal_files best = JOURNAL_FILES_NONE;
    if (!dir) {
        best = refused();
        close_fd(fd);
        return best;
    }
    for (struct dirent *entry; best != JOURNAL_FILES_READABLE && (entry = readdir(dir));) {
        enum journal_files one = JOURNAL_FILES_NONE;
        if (is_journal(entry->d_name))
            one = try_file(dirfd(dir), entry->d_name);
        else if (depth < DEPTH_MAX && entry->d_name[0] != '.')
            one = look(dirfd(dir), entry->d_name, depth + 1);
        best = one > best ? one : best;
    }
    return best;
}

enum journal_files journal_files_in(const char *directory)
{
    return look(AT_FDCWD, directory, 0);
}

bool journal_files_usable(const char *configured, bool host)
{
    static const char *const usual[] = {"/var/log/journal", "/run/log/journal"};
    bool usable = false;
    if (configured)
        return journal_files_in(configured) != JOURNAL_FILES_FORBIDDEN;
    for (size_t i = 0; host && !usable && i < ARRAY_SIZE(usual); i++)
        usable = journal_files_in(usual[i]) == JOURNAL_FILES_READABLE;
    return usable;
}
