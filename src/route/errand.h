/* errand — what another thread has a route do with its dead letters: send them once more
 * (replay.c), or give them up (drop.c).
 *
 *     route_ask_errand … errand_begin → errand_show, until it is over
 *
 * One at a time, of whichever kind, since a replay has copies of letters in hand. It lies here
 * until the route's thread takes it up. Nobody waits for it: route_errand_status tells how far it
 * is.
 *
 * - Owns: nothing.
 * - Limits: ERRAND_REASON_MAX of a filter's reason; a longer one is cut.
 * - Thread: the route's; asking and looking (route.h) any other, under the status' lock. The filter
 *   nobody writes until the errand is over.
 */
#pragma once

#include "ledger/letters.h"
#include "route/letters.h"

enum { ERRAND_REASON_MAX = 2 * ANSWER_REASON_MAX /* with the NUL */ };

enum errand_kind { ERRAND_REPLAY, ERRAND_DROP };
enum { ERRAND_KINDS = ERRAND_DROP + 1 };

/* "replay", "drop". */
const char *errand_word(enum errand_kind kind);

/* The last one of its kind. */
struct route_errand {
    uint64_t number; /* which one since the route was opened; 0: there was none */
    struct letters_progress progress;
};

/* Within a route. */
struct errand {
    bool asked; /* and not taken up yet */
    enum errand_kind kind;
    struct ledger_letter_filter filter;
    char reason[ERRAND_REASON_MAX]; /* of the filter */
    struct route_errand shown[ERRAND_KINDS];
};

struct route;

/* Whether there is one of this kind to be taken up; it is, then. */
bool errand_begin(struct route *r, enum errand_kind kind);
/* How far the one in hand is. Unless it is on its way, that is its end. */
void errand_show(struct route *r, const struct letters_progress *progress);
