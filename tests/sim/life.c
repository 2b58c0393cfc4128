// SPDX-License-Identifier: Apache-2.0
#include "life.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/monitor.h"
#include "base/clock.h"
#include "base/log.h"
#include "points.h"
#include "power.h"
#include "sink/catalog.h"
#include "sink/file_options.h"
#include "source/pin.h"

enum { DEED_SECONDS_MAX = 60, OUTPUTS_OPEN = 4, RECONCILE_SECONDS = 60 };

struct order {
    enum life_deed deed;
    unsigned stop_at;
    int64_t now_ns;
};

struct report {
    enum life_answer answer;
    struct life_state state;
};

/* The program's parts, in the process that is a life. */
struct parts {
    const struct life_options *options;
    int fd, wake_fd;
    struct containers *book;
    struct pin *pins;
    struct output_registry *outputs;
    struct sink_environment environment;
    struct file_options sink;
    char ledger[PATH_MAX], spools[PATH_MAX];
    struct match match;
    struct watch *watch;
    struct roster_board board;
    struct route *route;
    struct known known;
    struct monitor *monitor;
    bool stepped; /* the route, at least once: until then it takes itself for failing */
};

static _Noreturn void die(const char *what, const struct error *error)
{
    fprintf(stderr, "sim: %s: %s\n", what, error->text);
    _exit(3);
}

static struct order receive(const struct parts *p)
{
    struct order order;
    if (read(p->fd, &order, sizeof(order)) != sizeof(order))
        _exit(0); /* the one who tells us what to do is gone */
    alarm(DEED_SECONDS_MAX);
    points_set_clock(order.now_ns);
    return order;
}

static void answer(const struct parts *p, const struct report *report)
{
    alarm(0);
    if (write(p->fd, report, sizeof(*report)) != sizeof(*report))
        _exit(0);
}

static unsigned stopped(void *context)
{
    const struct parts *p = context;
    answer(p, &(struct report){.answer = LIFE_STOPPED});
    return receive(p).stop_at;
}

static void wake_routes(void *context)
{
    struct parts *p = context;
    route_wake(p->route);
}

static void open_books(struct parts *p)
{
    char path[PATH_BYTES_MAX], containers[PATH_BYTES_MAX];
    struct error error = {""};
    snprintf(path, sizeof(path), "%s/containers.db", p->options->state);
    if (containers_open(&p->book, path, NULL, 0, &error) < 0)
        die("book", &error);
    snprintf(path, sizeof(path), "%s/pins", p->options->state);
    snprintf(containers, sizeof(containers), "%s/containers", p->options->docker_root);
    if (pin_open(&p->pins, path, containers, &error) < 0)
        die("pins", &error);
    if (output_registry_new(&p->outputs) < 0 || watch_new(&p->watch, NULL) < 0)
        die("parts", &error);
}

static void open_route(struct parts *p)
{
    struct error error = {""};
    p->environment =
        (struct sink_environment){.registry = p->outputs, .outputs_open_max = OUTPUTS_OPEN};
    p->sink = (struct file_options){
        .path = p->options->output,
        .max_size = p->options->output_bytes_max,
        .max_files = ROTATED_FILES_MAX,
        .compression = p->options->compress ? ROTATED_GZIP : ROTATED_PLAIN,
    };
    snprintf(p->ledger, sizeof(p->ledger), "%s/route.db", p->options->state);
    if (p->options->sync_later)
        power_sync_later(p->ledger);
    struct route_options options = {
        .name = "sim",
        .match = &p->match,
        .batch_age_ns = p->options->batch_age_ns,
        .sink = {&file_sink, &p->sink},
        .environment = &p->environment,
        .ledger_path = p->ledger,
        .board = &p->board,
        .watch = p->watch,
        .monitor_fd = p->wake_fd,
    };
    if (route_open(&p->route, &options, &error) < 0)
        die("route", &error);
}

static void open_monitor(struct parts *p)
{
    struct error error = {""};
    snprintf(p->spools, sizeof(p->spools), "%s/streams", p->options->state);
    if (known_load(&p->known, p->book, p->pins, &p->route, 1, &error) < 0)
        die("known", &error);
    struct monitor_options options = {
        .docker_root = p->options->docker_root,
        .docker_host = "none",
        .spools = p->spools,
        .constants = CONTAINER_CONSTANTS_DEFAULT,
        .reconcile_ns = RECONCILE_SECONDS * NS_PER_SECOND,
        .pins_max_bytes = UINT64_MAX,
        .route_count = 1,
        .pins = p->pins,
        .book = p->book,
        .known = &p->known,
        .outputs = p->outputs,
        .board = &p->board,
        .watch = p->watch,
        .wake_routes = wake_routes,
        .context = p,
    };
    if (monitor_open(&p->monitor, &options, &error) < 0)
        die("monitor", &error);
}

static void step_monitor(struct parts *p)
{
    struct pollfd fds[] = {{.fd = p->wake_fd, .events = POLLIN}};
    int r = monitor_step(p->monitor, fds, ARRAY_SIZE(fds), 0);
    if (r < 0)
        die("monitor", &(struct error){"its step failed"});
    uint64_t count;
    if (fds[0].revents && read(p->wake_fd, &count, sizeof(count)) > 0)
        monitor_routes_changed(p->monitor);
}

/* In the order of the program's end: routes, monitor, and what they stood on. */
static _Noreturn void close_all(struct parts *p)
{
    int code = route_commit_now(p->route) || !p->stepped ? 0 : 4;
    monitor_close(p->monitor, true);
    route_close(p->route);
    roster_board_deinit(&p->board);
    watch_free(p->watch);
    known_deinit(&p->known);
    output_registry_free(p->outputs);
    pin_close(p->pins);
    containers_close(p->book);
    _exit(code);
}

static void do_it(struct parts *p, const struct order *order, struct life_state *ret)
{
    struct route_status status;
    switch (order->deed) {
    case LIFE_OPEN:
        open_books(p);
        open_route(p);
        open_monitor(p);
        break;
    case LIFE_MONITOR: step_monitor(p); break;
    case LIFE_ROUTE:
        route_step(p->route, order->now_ns, &ret->timeout_ns);
        p->stepped = true;
        break;
    case LIFE_CLOSE: close_all(p);
    case LIFE_GO_ON: break;
    }
    route_status(p->route, &status);
    ret->lines = status.sums.tally.lines_delivered;
    ret->bytes = status.sums.tally.bytes_read;
    ret->gaps = status.sums.tally.gaps;
    ret->failing = status.failing_since_ns != 0;
}

static _Noreturn void live(int fd, const struct life_options *options)
{
    struct parts p = {.options = options, .fd = fd};
    struct report report = {.answer = LIFE_DONE};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    log_set_level(options->verbose ? LOG_DEBUG : LOG_ERROR);
    points_refuse_links(options->refuse_links);
    roster_board_init(&p.board);
    p.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    for (;;) {
        struct order order = receive(&p);
        points_plan(order.stop_at, stopped, &p);
        do_it(&p, &order, &report.state);
        points_plan(0, stopped, &p);
        answer(&p, &report);
    }
}

int life_begin(struct life *life, const struct life_options *options, struct error *error)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return error_set(error, -errno, "socketpair: %m");
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return error_set(error, -errno, "fork: %m");
    if (pid == 0) {
        close(fds[0]);
        live(fds[1], options);
    }
    close(fds[1]);
    *life = (struct life){pid, fds[0]};
    return 0;
}

/* How it ended, where it was not asked to. */
static int mourn(struct life *life, struct error *error)
{
    int status = 0;
    waitpid(life->pid, &status, 0);
    life->pid = 0;
    life->fd = close_fd(life->fd);
    if (WIFSIGNALED(status))
        return error_set(error, -EPIPE, "tallyman died by signal %d (%s)", WTERMSIG(status),
                         strsignal(WTERMSIG(status)));
    return error_set(error, -EPIPE, "tallyman ended with %d", WEXITSTATUS(status));
}

int life_do(struct life *life, enum life_deed deed, int64_t now_ns, unsigned stop_at,
            struct life_state *ret, struct error *error)
{
    struct order order = {deed, stop_at, now_ns};
    struct report report;
    if (write(life->fd, &order, sizeof(order)) != sizeof(order))
        return mourn(life, error);
    if (read(life->fd, &report, sizeof(report)) == sizeof(report)) {
        if (report.answer == LIFE_DONE)
            *ret = report.state;
        return report.answer;
    }
    int r = mourn(life, error);
    return deed == LIFE_CLOSE && strcmp(error->text, "tallyman ended with 0") == 0 ? LIFE_DONE : r;
}

void life_kill(struct life *life)
{
    if (!life->pid)
        return;
    kill(life->pid, SIGKILL);
    waitpid(life->pid, NULL, 0);
    life->pid = 0;
    life->fd = close_fd(life->fd);
}
