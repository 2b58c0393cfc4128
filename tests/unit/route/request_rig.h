/* request_rig — a sink that sends requests, for routes that are stepped by hand: it has no network,
 * and answers as the test says.
 *
 * By itself it answers each request with the next step, oldest first; `judge` says how, and by
 * default all is delivered. With `by_hand` nothing is answered but what request_rig_answer names.
 * What is delivered is text: "container:message" a line. Every send checks what must always hold: a
 * source is in one request only, its lines come in their order (their times ascend), and all are of
 * one group.
 */
#pragma once

#include "route_rig.h"

struct flight {
    bool used, answered;
    const struct request *request;
    struct request_range range;
    uint64_t number; /* of all that were sent */
    struct sink_answer answer;
};

struct request_rig {
    struct request_options options; /* first: what the route is given */
    struct flight flights[REQUESTS_MAX];
    bool by_hand;
    void (*judge)(struct request_rig *rig, const struct flight *f, struct sink_answer *ret);
    bool restless; /* wants to go on at once, always */
    const char
        *tenants; /* container "a" is of the group of its first letter, and so on; NULL: none */
    unsigned fail_sends, retries; /* so many more; `retries` comes before judge */
    struct buf delivered;
    unsigned sent, abandoned, binds, unbinds, waits;
    const char *judged_by;         /* for judge: a word of its own */
    size_t lines_max, lines_taken; /* for judge */
};

/* Puts it into the options of route 0. */
void request_rig_init(struct request_rig *rig, struct route_rig *route);
/* After route_rig_deinit. */
void request_rig_deinit(struct request_rig *rig);

/* Both rigs, with `count` sources on the board; and both of them away. */
void request_rig_begin(struct route_rig *route, struct request_rig *rig, size_t count);
void request_rig_end(struct route_rig *route, struct request_rig *rig);

/* `count` lines into a source: numbers from `first` on. */
void request_rig_write(struct route_rig *route, size_t source, int first, int count);
/* Until so many are under way, with no time passing, and nothing answered. */
void request_rig_step_until_sent(struct route_rig *route, struct request_rig *rig, size_t flying);
struct route_status request_rig_status(struct route_rig *route); /* of route 0 */

size_t request_rig_flying(const struct request_rig *rig);
/* Lines under way: sent, and of all requests of which a part is sent. */
size_t request_rig_lines(const struct request_rig *rig);
size_t request_rig_under_way(const struct request_rig *rig);
void request_rig_answer(struct request_rig *rig, unsigned slot, struct sink_answer answer);
/* As route_rig_settle, answers included, until nothing happens any more. */
void request_rig_settle(struct request_rig *rig, struct route_rig *route);

/* The container of an entry of a flight; and whether one of its lines begins with `word`. */
const char *flight_container(const struct flight *f, size_t at);
bool flight_has(const struct flight *f, const char *word);

/* judge: refuses what has a line that begins with "poison"; takes nothing of it, or all but those.
 */
void judge_poison(struct request_rig *rig, const struct flight *f, struct sink_answer *ret);
void judge_poison_alone(struct request_rig *rig, const struct flight *f, struct sink_answer *ret);
/* Says "too large" to more than rig.lines_max lines. */
void judge_lines(struct request_rig *rig, const struct flight *f, struct sink_answer *ret);
/* Blames the group that rig.judged_by, a letter of rig.tenants, stands for. */
void judge_tenant(struct request_rig *rig, const struct flight *f, struct sink_answer *ret);
/* Blames the lines of the container rig.judged_by, and takes nothing. */
void judge_container(struct request_rig *rig, const struct flight *f, struct sink_answer *ret);

void assert_requested(struct request_rig *rig, const char *expected);
/* How often this line was delivered. */
size_t request_rig_count(const struct request_rig *rig, const char *line);
/* The dead letters: "container:message reason" a line. */
void assert_letters(struct route_rig *route, const char *expected);
