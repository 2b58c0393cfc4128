// SPDX-License-Identifier: Apache-2.0
#include "agent/own_container.h"

/* The id in "… /var/lib/docker/containers/<id>/hostname /etc/hostname …". */
static bool id_in(const char *line, char *ret)
{
    static const char marker[] = "/containers/";
    for (const char *p = line; (p = strstr(p, marker)); p++) {
        const char *id = p + sizeof(marker) - 1;
        if (strnlen(id, CONTAINER_ID_SIZE + 10) < CONTAINER_ID_SIZE + 10 ||
            strncmp(id + CONTAINER_ID_SIZE, "/hostname ", 10) != 0)
            continue;
        memcpy(ret, id, CONTAINER_ID_SIZE);
        ret[CONTAINER_ID_SIZE] = '\0';
        if (container_id_valid(ret))
            return true;
    }
    return false;
}

void own_container_id(char ret[CONTAINER_ID_SIZE + 1])
{
    CLEANUP(fclose) FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    size_t size = 0;
    ret[0] = '\0';
    while (mounts && getline(&line, &size, mounts) > 0) {
        char id[CONTAINER_ID_SIZE + 1];
        if (strstr(line, " /etc/hostname ") && id_in(line, id)) {
            memcpy(ret, id, sizeof(id));
            break;
        }
    }
    free(line);
}
