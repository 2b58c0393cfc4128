/* engine_rig — a client of the Engine that writes down all that it is told.
 */
#pragma once

#include "base/clock.h"
#include "docker/engine.h"
#include "stand_in.h"

#define ID "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

enum { DEADLINE_MS = 5000 /* for answers that come at once: only a hang reaches it */ };

/* All that an engine says, and what the test wants done about it. */
struct heard {
    struct engine *engine;
    unsigned pings, infos, lists, inspects, opened, events, ended;
    unsigned inspected_well, listed_count;
    struct engine_version version;
    int code;
    char text[ERROR_TEXT_MAX];
    char root[256], name[64], last_action[EVENT_WORD_MAX];
    uint64_t ticket, cancel; /* cancel: at the next event */
};

void open_engine(struct heard *h, const char *host, int deadline_ms);
void close_engine(struct heard *h);
/* Goes on until *counter has the value; a hang fails the test. */
void step_until(struct heard *h, const unsigned *counter, unsigned value);

/* Of tests/data/docker. */
void answer_sample(struct buf *raw, const char *name);
/* What a daemon of 20.10 says, strict about versions. */
enum stand_in_then genuine(const char *path, struct buf *raw);
bool ends_with(const char *path, const char *end);

/* Of a directory, such as those of our descriptors and threads in /proc. */
unsigned entries_of(const char *path);
