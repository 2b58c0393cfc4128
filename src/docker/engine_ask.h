/* engine_ask — one thing asked of the Engine, and queues of them. For docker/engine alone.
 *
 * An ask has no transfer, and so costs a hundred bytes, until it is sent: ten thousand containers
 * may wait for their inspection.
 */
#pragma once

#include "docker/engine_transfer.h"
#include "docker/engine_version.h"
#include "model/container.h"

#include <stdint.h>

enum ask_kind { ASK_PING, ASK_INFO, ASK_LIST, ASK_INSPECT, ASK_EVENTS };

struct ask {
    struct ask *next;
    uint64_t ticket;
    enum ask_kind kind;
    char id[CONTAINER_ID_SIZE + 1];   /* ASK_INSPECT */
    int64_t since_ns;                 /* ASK_EVENTS */
    bool told_open;                   /* ASK_EVENTS */
    int64_t open_by_ns;               /* ASK_EVENTS: until then it must have opened */
    int failed;                       /* why it could not even be sent */
    struct engine_transfer *transfer; /* owned; NULL until it is sent */
};

void ask_free(struct ask *a);
/* The path and query to GET. A version of 0.0 leaves the choice to the daemon. */
void ask_path(const struct ask *a, struct engine_version version, char to[TRANSFER_PATH_MAX]);

/* First in, first out. */
struct ask_queue {
    struct ask *first, **end;
};

void ask_queue_init(struct ask_queue *q);
void ask_queue_deinit(struct ask_queue *q); /* frees what is in it */
void ask_queue_push(struct ask_queue *q, struct ask *a);
/* The link that leads to the ask, for ask_queue_remove; NULL where there is none. */
struct ask **ask_queue_find(struct ask_queue *q, uint64_t ticket);
struct ask *ask_queue_remove(struct ask_queue *q, struct ask **link);
