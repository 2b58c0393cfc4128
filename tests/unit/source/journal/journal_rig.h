/* journal_rig — the journald sources of one route, stepped by hand over the genuine journal files
 * in tests/data/journal (make.py there says what is in them).
 *
 * Three containers, a, b and c, whose ids are 64 times their name. What came is text, a line each:
 *     a o:message      container, stream (o or e) with the flags p partial, c continued and
 *                      u unterminated; a message over 40 bytes as its size and its first and last
 *     a gap word bytes   bytes is ? where they are not known
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "source/journal_private.h"

enum { RIG_SOURCES = 3, RIG_ERAS_MAX = 4, RIG_PATH_MAX = 256 };

struct journal_rig {
    char directory[RIG_PATH_MAX];
    struct journal *journal;
    struct slot *slots[RIG_SOURCES];
    struct follow follows[RIG_SOURCES];
    struct journal_source sources[RIG_SOURCES];
    struct era eras[RIG_SOURCES][RIG_ERAS_MAX];
    size_t era_counts[RIG_SOURCES];
    uint32_t version;
    bool gone;
    unsigned activated[RIG_SOURCES];

    const char *unwanted; /* name of the container that the route does not want */
    struct follow_tools tools;
    struct batch batch;
    struct buf came;
};

/* Sources that have not read anything; the journal has no file yet. */
void journal_rig_init(struct journal_rig *r, void *const *state, enum message_form form);
void journal_rig_deinit(struct journal_rig *r);
/* A route that comes with the cursors that were reached. `once` as the program's. */
void journal_rig_restart(struct journal_rig *r, bool once);

/* "first" or "second" appears, or is vacuumed. */
void journal_rig_add_file(struct journal_rig *r, const char *name);
void journal_rig_remove_file(struct journal_rig *r, const char *name);

/* From `realtime_us` on the container is called `name`. */
void journal_rig_add_era(struct journal_rig *r, size_t i, uint64_t realtime_us, const char *name);

/* Until there is nothing more: of one source; of all, with looks at the journal. */
void journal_rig_pull(struct journal_rig *r, size_t i);
void journal_rig_settle(struct journal_rig *r);
int journal_rig_pull_once(struct journal_rig *r, size_t i); /* one pull, its outcome */
struct view *journal_rig_view(struct journal_rig *r, size_t i);
void journal_rig_print(struct journal_rig *r, const struct batch *batch);

/* What came since the last time. */
void assert_came(struct journal_rig *r, const char *expected);
