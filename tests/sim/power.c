// SPDX-License-Identifier: Apache-2.0
#include "power.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "ledger/ledger.h"

enum { COPY_BYTES = 64 * 1024, COPY_PATH_MAX = PATH_MAX + 16 };

static const char *kept_ledger; /* NULL: every commit is synced */

/* By stdio, whose system calls are no points: a copy is made as a whole or not at all. */
static void copy(const char *from, const char *to)
{
    static char bytes[COPY_BYTES];
    FILE *source = fopen(from, "re");
    if (!source) {
        CHECK(errno == ENOENT && (remove(to) == 0 || errno == ENOENT));
        return;
    }
    FILE *target = fopen(to, "we");
    CHECK(target);
    for (size_t n; (n = fread(bytes, 1, sizeof(bytes), source)) > 0;)
        CHECK(fwrite(bytes, 1, n, target) == n);
    CHECK(!ferror(source) && fclose(target) == 0);
    fclose(source);
}

/* What a ledger consists of, between two transactions. */
static void copy_ledger(const char *ledger, const char *from_end, const char *to_end)
{
    static const char *const parts[] = {"", "-wal"};
    char from[COPY_PATH_MAX], to[COPY_PATH_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        snprintf(from, sizeof(from), "%s%s%s", ledger, parts[i], from_end);
        snprintf(to, sizeof(to), "%s%s%s", ledger, parts[i], to_end);
        copy(from, to);
    }
}

void power_sync_later(const char *ledger)
{
    kept_ledger = ledger;
}

int __real_ledger_open(struct ledger **ret, const char *path, const char *vfs, unsigned flags,
                       int64_t attached_ns, struct error *error);
int __wrap_ledger_open(struct ledger **ret, const char *path, const char *vfs, unsigned flags,
                       int64_t attached_ns, struct error *error);
int __wrap_ledger_open(struct ledger **ret, const char *path, const char *vfs, unsigned flags,
                       int64_t attached_ns, struct error *error)
{
    unsigned later = kept_ledger ? LEDGER_SYNC_LATER : 0;
    return __real_ledger_open(ret, path, vfs, flags | later, attached_ns, error);
}

int __real_ledger_sync(struct ledger *l, struct error *error);
int __wrap_ledger_sync(struct ledger *l, struct error *error);
int __wrap_ledger_sync(struct ledger *l, struct error *error)
{
    bool nothing = ledger_is_synced(l);
    int r = __real_ledger_sync(l, error);
    if (r == 0 && kept_ledger && !nothing)
        copy_ledger(kept_ledger, "", ".synced");
    return r;
}

static int is_of_name(void *context, const struct ledger_output *o)
{
    const char *slash = strrchr(o->path, '/');
    return slash && strcmp(slash + 1, context) == 0;
}

static bool knows(struct ledger *book, char *name)
{
    struct error error = {""};
    int r = book ? ledger_outputs(book, is_of_name, name, &error) : 0;
    CHECK(r >= 0);
    return r > 0;
}

void power_cut(const char *ledger, const char *outputs)
{
    char path[COPY_PATH_MAX + NAME_MAX];
    struct error error = {""};
    copy_ledger(ledger, ".synced", "");
    snprintf(path, sizeof(path), "%s-shm", ledger);
    remove(path);

    CLEANUP(ledger_close) struct ledger *book = NULL;
    if (access(ledger, F_OK) == 0)
        CHECK(__real_ledger_open(&book, ledger, NULL, LEDGER_READ_ONLY, 0, &error) == 0);
    DIR *directory = opendir(outputs);
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.' || knows(book, entry->d_name))
            continue;
        snprintf(path, sizeof(path), "%s/%s", outputs, entry->d_name);
        CHECK(unlink(path) == 0);
    }
    closedir(directory);
}
