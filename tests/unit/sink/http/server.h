/* server — an HTTP server that does as the test's handler says: a process of its own, so that the
 * test can count its own descriptors, with one more for each connection.
 */
#pragma once

#include "base/buf.h"

enum server_then {
    SERVER_KEEP,  /* the connection waits for the next request */
    SERVER_CLOSE, /* closed behind what was written */
    SERVER_HOLD,  /* left open, nothing more is said */
    SERVER_EARLY, /* the next request is answered as soon as it begins to come */
};

/* Writes the raw answer to a whole request. Runs in the child; `nth` counts a connection's requests
 * from 1. */
typedef enum server_then server_handler(struct span request, unsigned nth, struct buf *raw);

struct server {
    int pid;
    char host[64]; /* "127.0.0.1:PORT" */
    char port[8];
};

void server_start(struct server *s, server_handler *handler);
void server_stop(struct server *s);
static inline void server_stop_cleanup(struct server *s)
{
    server_stop(s);
}
