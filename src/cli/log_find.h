/* log_find — where the log of a container lies, as a look at the disk tells, and how its records
 * stand there.
 *
 * - Owns: nothing.
 * - Thread: any, no state.
 */
#pragma once

#include "docker/log_path.h"
#include "source/record_format.h"

struct log_find_options {
    const char *docker_root;       /* NULL: there are no files */
    const char *journal_directory; /* that is configured; NULL: this host's, which is no other's */
    bool engine;                   /* it can be asked for what cannot be read here */
};

/* 0, or -ENAMETOOLONG with words. */
int log_find(struct log_place *ret, const struct container *c,
             const struct log_find_options *options, struct error *error) MUST_CHECK;

/* By the name of a live file: `<id>-json.log`, or `container.log` and `container-cached.log`. Any
 * other is of lines. */
enum record_format log_find_format(const char *name);

/* Is it a name that Docker gives to a live file? */
bool log_find_is_live(const char *name);
