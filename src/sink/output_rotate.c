// SPDX-License-Identifier: Apache-2.0
#include "sink/output_rotate.h"

#include "sink/output_path.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char *const form_endings[ROTATED_FORMS] = {"", ".gz", ".zst"};

/* What lies under one number. */
struct rotated {
    bool there[ROTATED_FORMS];
    struct output_found files[ROTATED_FORMS];
};

void rotated_path(char to[ROTATED_PATH_MAX], const char *output, unsigned number,
                  enum rotated_form form)
{
    snprintf(to, ROTATED_PATH_MAX, "%s.%u%s", output, number, form_endings[form]);
}

void rotated_path_aside(char to[ROTATED_PATH_MAX], const char *output)
{
    snprintf(to, ROTATED_PATH_MAX, "%s.rotated.tmp", output);
}

static bool is_number(struct span s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!isdigit((unsigned char)s.data[i]))
            return false;
    return true;
}

bool rotated_may_end_in(struct span ending)
{
    static const char *const words[] = {"gz", "zst", "tmp"};
    const char *dot = ending.size ? memrchr(ending.data, '.', ending.size) : NULL;
    struct span last = ending;
    if (dot) {
        last.data = dot + 1;
        last.size = (size_t)(ending.data + ending.size - last.data);
    }
    if (is_number(last))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (span_ends_with(span_of(words[i]), last))
            return true;
    }
    return false;
}

int rotated_rename(const char *from, const char *to, struct error *error)
{
    int r = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (r < 0 && (errno == EINVAL || errno == ENOSYS))
        r = rename(from, to);
    return r < 0 ? error_set(error, -errno, "renaming %s to %s: %s", from, to, strerror(errno)) : 0;
}

static int remove_file(const char *path, struct error *error)
{
    return unlink(path) < 0 ? error_set(error, -errno, "removing %s: %s", path, strerror(errno))
                            : 0;
}

/* The plain file has been compressed; a crash came before its removal. */
static int drop_plain(const char *output, unsigned number, struct rotated *found,
                      struct error *error)
{
    char path[ROTATED_PATH_MAX];
    bool twice = false;
    for (int form = ROTATED_PLAIN + 1; form < ROTATED_FORMS; form++)
        twice |= found->there[form] &&
                 found->files[form].changed_ns == found->files[ROTATED_PLAIN].changed_ns;
    if (!found->there[ROTATED_PLAIN] || !twice)
        return 0;
    found->there[ROTATED_PLAIN] = false;
    rotated_path(path, output, number, ROTATED_PLAIN);
    return remove_file(path, error);
}

static int find(const char *output, unsigned number, struct rotated *ret, struct error *error)
{
    char path[ROTATED_PATH_MAX];
    for (int form = 0; form < ROTATED_FORMS; form++) {
        rotated_path(path, output, number, (enum rotated_form)form);
        int r = output_path_look(AT_FDCWD, path, &ret->files[form]);
        if (r < 0 && r != -ENOENT)
            return error_set(error, r, "%s: %s", path, strerror(-r));
        ret->there[form] = r == 0;
    }
    return drop_plain(output, number, ret, error);
}

static bool is_free(const struct rotated *found)
{
    for (int form = 0; form < ROTATED_FORMS; form++)
        if (found->there[form])
            return false;
    return true;
}

/* The first number that is. */
static int find_free(const char *output, unsigned *ret, struct error *error)
{
    for (unsigned number = 1; number <= ROTATED_FILES_MAX; number++) {
        struct rotated found;
        int r = find(output, number, &found, error);
        if (r < 0)
            return r;
        *ret = number;
        if (is_free(&found))
            return 0;
    }
    *ret = ROTATED_FILES_MAX + 1;
    return 0;
}

static int check_ours(const char *path, const struct output_found *file,
                      struct output_registry *registry, struct error *error)
{
    if (!file->regular)
        return error_set(error, -EINVAL, "%s is in the way of a rotation: it is no regular file",
                         path);
    if (output_registry_has(registry, file->id))
        return error_set(error, -EBUSY,
                         "%s is in the way of a rotation: it is an output itself; give the outputs "
                         "names that do not end in a number",
                         path);
    return 0;
}

/* Whatever lies under the number becomes the next, or is removed. */
static int leave(const char *output, unsigned number, bool removed,
                 struct output_registry *registry, struct error *error)
{
    struct rotated found;
    int r = find(output, number, &found, error);
    for (int form = 0; form < ROTATED_FORMS && r == 0; form++) {
        char from[ROTATED_PATH_MAX], to[ROTATED_PATH_MAX];
        if (!found.there[form])
            continue;
        rotated_path(from, output, number, (enum rotated_form)form);
        rotated_path(to, output, number + 1, (enum rotated_form)form);
        r = check_ours(from, &found.files[form], registry, error);
        if (r == 0)
            r = removed ? remove_file(from, error) : rotated_rename(from, to, error);
    }
    return r;
}

int output_rotate(const char *output, unsigned max_files, struct output_registry *registry,
                  struct error *error)
{
    unsigned number = 0;
    int r = find_free(output, &number, error);
    for (; r == 0 && number > max_files; number--)
        r = leave(output, number - 1, true, registry, error);
    for (; r == 0 && number > 1; number--)
        r = leave(output, number - 1, false, registry, error);
    if (r < 0)
        return r;
    char first[ROTATED_PATH_MAX];
    rotated_path(first, output, 1, ROTATED_PLAIN);
    r = rotated_rename(output, first, error);
    return r == 0 ? output_path_sync_directory(output, error) : r;
}

int rotated_find_plain(const char *output, unsigned max_files, struct error *error)
{
    for (unsigned number = max_files; number >= 1; number--) {
        struct rotated found;
        int r = find(output, number, &found, error);
        if (r < 0)
            return r;
        if (found.there[ROTATED_PLAIN] && found.files[ROTATED_PLAIN].regular)
            return (int)number;
    }
    return 0;
}
