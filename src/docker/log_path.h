/* log_path — where the lines of a container are to be read: which kind of source, which file.
 *
 * The routing table of the hybrid monitor (driver × files × socket), as a pure function of what is
 * known; nothing is opened. A file driver's missing file is waited for and never becomes a stream
 * (D7), and so is the cache of a driver that cannot read back. Rotated files are found beside the
 * live one by source/.
 *
 * Source of the layout: docker-logs §1.4, §4.5.
 *
 * - Thread: any, no state.
 * - Limits: PATH_BYTES_MAX.
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "model/container.h"

#include <stdbool.h>

enum log_kind {
    LOG_KIND_NONE, /* nobody can read it: said in status, counted */
    LOG_KIND_JSON_FILE,
    LOG_KIND_LOCAL,
    LOG_KIND_CACHE, /* dual logging */
    LOG_KIND_JOURNALD,
    LOG_KIND_STREAM,
    LOG_KIND_COUNT,
};

/* "json-file", "local", "cache", "journald", "stream", "none". */
const char *log_kind_word(enum log_kind kind);

/* What is around the container. */
struct log_surroundings {
    const char *root;   /* Docker's root as seen from here; NULL: there are no files to read */
    bool cache_present; /* its directory holds a container-cached.log */
    bool journal;       /* the journal can be read */
    bool engine;        /* the Engine can be asked for streams */
    const char *spools; /* the directory that streams are received into; NULL: not asked for */
};

struct log_place {
    enum log_kind kind;
    char path[PATH_BYTES_MAX]; /* the live file; "" where the kind has none */
};

/* What a file in the directory of a container's log is to it. */
enum log_name { LOG_NAME_OTHER, LOG_NAME_LIVE, LOG_NAME_ROTATED };
enum log_name log_name_of(enum log_kind kind, const char *id, const char *name);

/* False for drivers with files of their own: whether there is a cache makes no difference. */
bool log_place_minds_cache(const struct container *c);

/* Do the lines that its log driver writes now reach a source of that kind? False where the driver
 * was changed after the source had been begun. */
bool log_kind_serves(enum log_kind kind, const struct container *c);

/* 0, or -ENAMETOOLONG with words. */
int log_place_of(struct log_place *ret, const struct container *c,
                 const struct log_surroundings *around, struct error *error) MUST_CHECK;

/* S7: 0 where the live file is there, LOG_PLACE_E_WAIT where it is not (yet) or the kind has none
 * to look for, -errno where it cannot be told. */
enum { LOG_PLACE_E_WAIT = 1 };
int log_place_check(const struct log_place *place) MUST_CHECK;
