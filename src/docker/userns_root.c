// SPDX-License-Identifier: Apache-2.0
#include "docker/userns_root.h"

#include <string.h>

#include "base/cleanup.h"
#include "model/container.h"

static bool has_containers(const char *root)
{
    char path[PATH_BYTES_MAX];
    if (snprintf(path, sizeof(path), "%s/containers", root) >= (int)sizeof(path))
        return false;
    CLEANUP(closedir) DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (container_id_valid(entry->d_name))
            return true;
    return false;
}

/* "231072.231072" */
static bool is_remapped(const char *name)
{
    static const char digits[] = "0123456789";
    size_t user = strspn(name, digits);
    if (user == 0 || name[user] != '.')
        return false;
    size_t group = strspn(name + user + 1, digits);
    return group > 0 && name[user + 1 + group] == '\0';
}

void userns_root_find(char root[PATH_BYTES_MAX])
{
    char found[PATH_BYTES_MAX] = "", path[PATH_BYTES_MAX];
    if (has_containers(root))
        return;
    CLEANUP(closedir) DIR *dir = opendir(root);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!is_remapped(entry->d_name) ||
            snprintf(path, sizeof(path), "%s/%s", root, entry->d_name) >= (int)sizeof(path) ||
            !has_containers(path))
            continue;
        if (found[0])
            return; /* which of them, nobody here can tell */
        memcpy(found, path, sizeof(path));
    }
    if (found[0])
        memcpy(root, found, sizeof(found));
}
