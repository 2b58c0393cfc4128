/* stand_in — an Engine that does as it is told, for what a real one cannot be made to do.
 *
 * A child process that listens on a socket and answers each GET by calling the test's handler
 * there. A process of its own, so that the test can count its own descriptors.
 */
#pragma once

#include "base/buf.h"

enum stand_in_then {
    STAND_IN_KEEP,    /* the connection waits for the next request */
    STAND_IN_CLOSE,   /* closed behind what was written */
    STAND_IN_HOLD,    /* left open, nothing more is said */
    STAND_IN_TRICKLE, /* written a byte at a time, some ten a second; left open then */
    STAND_IN_GATHER,  /* written when STAND_IN_GATHERED requests wait, then kept */
};
enum { STAND_IN_GATHERED = 8 };

/* Writes the raw answer to `path`. Runs in the child. */
typedef enum stand_in_then stand_in_handler(const char *path, struct buf *raw);

struct stand_in {
    int pid;
    char directory[64];
    char host[128]; /* "unix:///…", "tcp://localhost:…" */
    struct stand_in_counts {
        unsigned requests;
        unsigned waiting_max; /* of those gathered */
    } * counts;               /* shared with the child */
};

void stand_in_start(struct stand_in *s, stand_in_handler *handler);
/* At a port of the host "localhost", by that name. */
void stand_in_start_tcp(struct stand_in *s, stand_in_handler *handler);
/* Ends the child; the socket's file stays until stand_in_deinit, as after a SIGKILL of dockerd. */
void stand_in_kill(struct stand_in *s);
void stand_in_deinit(struct stand_in *s);
static inline void stand_in_deinit_cleanup(struct stand_in *s)
{
    stand_in_deinit(s);
}

/* A port of 127.0.0.1 that answers no SYN: nobody accepts, and no more fit into the queue. */
enum { DEAF_WAITING = 2 /* one that waits to be accepted, and one that the kernel leaves alone */ };
struct deaf_port {
    int listener, waiting[DEAF_WAITING];
    char host[32]; /* "tcp://127.0.0.1:…" */
};
void deaf_port_open(struct deaf_port *d);
void deaf_port_close(struct deaf_port *d);

/* A whole answer with its length. */
void stand_in_answer(struct buf *raw, const char *status, const char *type, struct span body);
void stand_in_json(struct buf *raw, const char *body);
