/* source_rig — one source as monitor and route see it: Docker's directory, the chain over it, its
 * slot, and a route's follow, with no threads and no clock between them.
 *
 * The rig plays Docker (it writes records, rotates, compresses, removes), the monitor (it looks,
 * books, publishes) and the route (it pulls, and keeps what came as text). One call is one step.
 *
 * What came is text, a line each, in the order of coming:
 *     o:message          an entry of stdout; e: of stderr; between them its flags: p partial,
 *                        c continued, u unterminated, t no time, s no stream
 *     gap word bytes@serial:offset   a gap; bytes is ? where they are not known
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "source/chain.h"
#include "source/follow.h"

#define RIG_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum {
    RIG_PATH_MAX = 512,
    RIG_KNOWN_MAX = 64,
    RIG_ERAS_MAX = 8,
    RIG_ROUTES = 2, /* words in the slot; the rig's own is 0 */
    RIG_TEXT_MAX = 64 * 1024 * 1024,
};

/* What Docker writes into the sources that are made from now on. */
extern enum record_format rig_format;
/* The form of messages that their routes want. */
extern enum message_form rig_form;

struct source_rig {
    char id[CONTAINER_ID_SIZE + 1];
    char root[RIG_PATH_MAX];       /* the scratch directory */
    char containers[RIG_PATH_MAX]; /* Docker's */
    char directory[RIG_PATH_MAX];  /* of the container's log */
    char live_name[RIG_PATH_MAX];
    enum record_format format;
    int64_t rotation_bytes; /* as the chain is told when it is opened next; nobody knows at first */
    struct rig_line {
        int64_t at_ns;
        uint32_t chunks;   /* of it so far; 0: none is open */
    } lines[STREAM_COUNT]; /* which Docker is writing */

    /* The monitor's. */
    struct pin *pins;
    struct home *home; /* for segments that a test makes itself */
    struct reader *reader;
    struct batch scratch;
    struct chain_tools tools_of_chains;
    struct chain *chain;
    struct chain_known known[RIG_KNOWN_MAX]; /* what the book has */
    size_t known_count;
    bool restarted;
    struct era eras[RIG_ERAS_MAX];
    size_t era_count;
    struct slot *slot;
    uint32_t version;

    /* The route's. */
    enum message_form form;
    const char *unwanted; /* name of the container that it does not want; NULL: wants all */
    struct follow_tools tools;
    struct follow follow;
    struct batch batch;
    unsigned monitor_woken;
    struct buf came;
    struct buf containers_came; /* the container's name of each entry, a line each */
    size_t pulls;
};

/* A source with no file yet, pins by link. */
void source_rig_init(struct source_rig *r);
void source_rig_init_as(struct source_rig *r, const char *id, const char *name);
void source_rig_deinit(struct source_rig *r);

/* Docker. `name`: what follows the live file's name: "" for itself, ".1", ".2.gz". */
const char *rig_file(struct source_rig *r, const char *name); /* until the next call but three */
void rig_write(struct source_rig *r, const char *name, struct span bytes); /* appends */
#define rig_write_text(r, name, text) rig_write((r), (name), span_of(text))
/* A record of stdout into the live file, in the source's format: `log` as it stands in JSON, its
 * time `at_ns` after RIG_EPOCH. */
void rig_log(struct source_rig *r, int64_t at_ns, const char *log);
void rig_log_stream(struct source_rig *r, int64_t at_ns, const char *stream, const char *log);
/* One chunk of a long line: 16,384 times `fill`. `local` numbers the chunks of one time. */
void rig_log_chunk(struct source_rig *r, int64_t at_ns, const char *stream, char fill);
/* As if Docker dropped the next chunk of a line before it wrote it. */
void rig_drop_chunk(struct source_rig *r, const char *stream);
#define RIG_EPOCH INT64_C(1767225600000000000) /* 2026-01-01 */
/* As Docker does it with max-file: the oldest goes, the others move up, a new live file. */
void rig_rotate(struct source_rig *r, unsigned max_file);
/* What Docker does to NAME.1 in the background. */
void rig_compress(struct source_rig *r);
/* Writes `plain` compressed; `size` bytes of the result at most are kept. */
void rig_write_gzip(struct source_rig *r, const char *name, struct span plain, size_t size_max);
void rig_unlink(struct source_rig *r, const char *name);
void rig_rename(struct source_rig *r, const char *from, const char *to);
void rig_copy(struct source_rig *r, const char *from, const char *to);
void rig_truncate(struct source_rig *r, const char *name, uint64_t size);
void rig_remove_container(struct source_rig *r);
/* The log files of a genuine sample, under the rig's name. */
void rig_take_sample(struct source_rig *r, const char *sample);

/* Monitor. */
void rig_open(struct source_rig *r);              /* the chain, from the book; no look yet */
bool rig_sync(struct source_rig *r, int created); /* looks, books, publishes; has it changed? */
void rig_publish(struct source_rig *r);
void rig_handle_saw(struct source_rig *r);
/* As after a stop of ours; the book is kept, the follow goes back to its cursor. */
void rig_restart(struct source_rig *r);
/* Somebody emptied the directory for pins; before a restart it is as if there were none. */
void rig_lose_pins(struct source_rig *r);
/* From now on (the end of the live file) the container is called so. */
void rig_rename_container(struct source_rig *r, const char *name);
void rig_add_era(struct source_rig *r, uint64_t serial, uint64_t offset, const char *name);

/* The chain: per element its serial and s sealed, z gzip, c cut, h:reason; with a space between. */
void assert_chain(struct source_rig *r, const char *expected);

/* Both: generations 1 to `count`, a record each (its message the number, its time too), each looked
 * at before the next. */
void rig_write_generations(struct source_rig *r, int count);
/* Generations 1 and 3, likewise, and 2 that came and went between two looks. */
void rig_write_around_hole(struct source_rig *r);

/* Route. */
int rig_pull(struct source_rig *r);     /* one pull */
int rig_pull_all(struct source_rig *r); /* until there is nothing; the last outcome */
/* The route ends and comes back at this cursor. */
void rig_crash(struct source_rig *r, const struct cursor *cursor);

/* A place behind a record. */
struct rig_place {
    uint64_t serial, offset;
};
enum { RIG_PLACES_MAX = 1024 };
/* All of them, in their order. */
size_t rig_find_places(struct source_rig *r, struct rig_place places[RIG_PLACES_MAX]);
/* From now on nothing past this place is read, as with `--once`. */
void rig_limit(struct source_rig *r, struct rig_place place);
/* Pulls up to the place; then there is no limit any more. */
void rig_pull_up_to(struct source_rig *r, struct rig_place place);
/* Reads what there is from the beginning without a stop, then again with a crash behind each record
 * in turn, then with one behind every record: each time the same must come. */
void rig_assert_crash_proof(struct source_rig *r);

/* What came since the last such call. */
void assert_came(struct source_rig *r, const char *expected);
void assert_came_nothing(struct source_rig *r);
void rig_print_gap(struct buf *to, const struct gap *g);
void assert_text_equal(struct span is, struct span expected);

/* A whole file, to be freed. */
struct span rig_read_file(const char *path);
