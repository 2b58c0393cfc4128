/* status — how the program is, gathered for whoever asks from outside.
 *
 * The monitor's part is counted by its own thread, and only when somebody asks: the asking one
 * wakes it and waits a little; where it does not answer in time, what it said last is shown. An
 * idle program is not woken for the sake of a status nobody reads. That it answers is also how it
 * is seen to live. So do the routes count their backlogs (route/backlog.h), but for status_ask
 * alone.
 *
 * Three questions are kept apart (R9): is it alive (do its threads turn), is it ready (has it begun
 * to deliver), is it degraded (what is wrong, each by name).
 *
 * - Owns: an eventfd. Borrows the health and the routes until it is freed.
 * - Thread: status_tell is the monitor's; asking is one other thread's.
 */
#pragma once

#include "agent/census.h"
#include "agent/monitor.h"
#include "base/health.h"
#include "route/route.h"

enum {
    STATUS_WAIT_MS = 250, /* for the monitor's answer, and then for all routes' */
    STATUS_DEGRADED_MAX = HEALTH_TROUBLES_MAX + ROUTES_MAX,
    STATUS_NAME_SIZE = 80, /* bytes of a thread's or a route's name, with the NUL */
};

/* What the admin server has answered, by HTTP's status. */
#define STATUS_ANSWERS(X) X(200) X(202) X(400) X(403) X(404) X(405) X(409) X(503)
enum status_answer {
#define X(code) STATUS_ANSWER_##code,
    STATUS_ANSWERS(X)
#undef X
        STATUS_ANSWER_COUNT
};

struct status_options {
    const char *version, *commit;
    struct health *health;
    const struct census *inherited; /* taken before anything was opened */
};

struct status_route {
    const char *name, *sink;
    struct route_status is;
};

struct status_report {
    const char *version, *commit;
    int64_t now_ns, started_ns; /* wall clock */
    int64_t asked_ns;           /* now, monotonic */
    int64_t cpu_ns;             /* used so far */
    bool ready;
    char stuck[STATUS_NAME_SIZE]; /* the thread that does not turn; "": all do */
    struct monitor_status monitor;
    struct status_route routes[ROUTES_MAX];
    size_t route_count;
    struct health_trouble degraded[STATUS_DEGRADED_MAX];
    size_t degraded_count;  /* in the list */
    size_t degraded_untold; /* there was no room for */
    struct census_balance balance;
    uint64_t memory[MEMORY_COUNT];
    uint64_t virtual_bytes, descriptors_max;
    uint64_t answers[STATUS_ANSWER_COUNT];
};

struct status;

int status_new(struct status **ret, const struct status_options *options, struct error *error)
    MUST_CHECK;
struct status *status_free(struct status *s);
DEFINE_CLEANUP(struct status *, status_free)

/* Readable where somebody asks: for the monitor's poll. */
int status_fd(const struct status *s);
/* Counts the monitor, for those who ask. */
void status_tell(struct status *s, const struct monitor *m);
/* They run from now on. */
void status_set_routes(struct status *s, struct route *const *routes, size_t count);

/* Everything. -errno where /proc cannot be read. */
int status_ask(struct status *s, struct status_report *ret) MUST_CHECK;
/* The names of what does not turn; "" where all does. Waits for the monitor as status_ask does. */
void status_ask_alive(struct status *s, char stuck[STATUS_NAME_SIZE]);
bool status_ask_ready(struct status *s);

/* The route of that name; NULL where there is none, or they do not run yet. It lives as long as the
 * routes do: whoever asks is closed before them. */
struct route *status_route(struct status *s, struct span name);

void status_count_answer(struct status *s, enum status_answer answer);
int status_answer_code(enum status_answer answer);

/* The report as an object of JSON. */
void status_print(const struct status_report *report, struct buf *to);
