/* world — Docker's side of a simulated life: containers that write, Docker that rotates,
 * compresses, renames and removes, people and disks that do damage; in real files.
 *
 * Each container has its history (history.h), which says what a reader must deliver. Between any
 * two of its system calls the world asks `between`, so that tallyman may look in the middle.
 *
 * Source of the sequences: docker-logs §3.3 (rotation), §3.7 (removal), §2.7 and §2.8 (writing and
 * damage), §3.8 (truncation).
 *
 * - Owns: the containers, their descriptors and histories.
 */
#pragma once

#include "history.h"
#include "model/container.h"
#include "random.h"

#include <limits.h>

enum { WORLD_CONTAINERS_MAX = 6, WORLD_FILES_MAX = 6 };

/* The names of a container's log: which generation is under which. */
struct names {
    int live;                                            /* -1: none */
    int plain[WORLD_FILES_MAX], packed[WORLD_FILES_MAX]; /* .N and .N.gz; -1: none */
};

struct writing {
    size_t line; /* being written; HISTORY_NONE */
    uint64_t written;
};

/* The log drivers there are: where each has its files, and what it writes into them. */
enum driver { DRIVER_JSON_FILE, DRIVER_LOCAL, DRIVER_SYSLOG /* by its cache */, DRIVER_COUNT };

struct simulated {
    unsigned number;
    enum driver driver;
    char id[CONTAINER_ID_SIZE + 1];
    char directory[PATH_MAX];
    int64_t created_ns;
    uint64_t max_size; /* bytes; 0: no rotation */
    int max_file;
    bool compress;
    bool unlinks_only; /* with max_file 1: as Engine 23 and later */
    bool present, running;
    bool told;                /* its records are there to be read, and the place of its log */
    bool seen;                /* a look has found a log of it, at least once */
    bool known;               /* a look is over that found its records: they are booked */
    bool maybe_nameless;      /* perhaps its pin is all that there will ever be of it */
    bool attached;            /* the route has it in its ledger, as the last verdict found it */
    bool late;                /* it was gone before the route came to it */
    size_t unsure;            /* lines from here on may bear the name that the next look finds */
    unsigned name, name_seen; /* how often it was renamed; as the last look knew it */

    int fd;          /* of the live log; -1 */
    bool append;     /* opened with O_APPEND */
    uint64_t offset; /* of the next record, without O_APPEND */
    uint64_t counter, size;
    bool junk_nul, junk_torn; /* behind the last newline */
    unsigned junk_name;       /* the name as it was seen when that began */
    struct writing writing[STREAM_COUNT];
    struct names names;
    bool packing;           /* .1.gz grows beside .1 */
    struct buf packed;      /* all of it */
    size_t packed_written;  /* bytes */
    struct history history; /* kept when it is gone */
};

struct world {
    struct random random;
    int64_t now_ns; /* one clock for Docker and tallyman */
    char root[PATH_MAX];
    unsigned damages; /* percent: how often damage is done */
    bool truncates, crashes, long_lines;
    struct simulated containers[WORLD_CONTAINERS_MAX];
    size_t count;
    bool midway;  /* tallyman stands still in the middle of something */
    bool watched; /* a look is over since tallyman's start */
    bool trace;
    void (*between)(void *context);
    void *context;
};

void world_init(struct world *w, const char *root, uint64_t seed);
void world_deinit(struct world *w);

/* One thing happens to one container. */
void world_happen(struct world *w);

/* Tallyman starts. */
void world_begins(struct world *w);
/* A look of tallyman's at everything is over, with nothing happening meanwhile. */
void world_seen(struct world *w);
/* A look of tallyman's ends amid, by its death: what it found may be pinned and not be booked. */
void world_glimpsed(struct world *w);
/* Tallyman has ended. `links`: its pins stay. */
void world_unwatched(struct world *w, bool links);

/* Everything that was written, to stderr. */
void world_tell(const struct world *w);
