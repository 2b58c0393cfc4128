// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "agent/admin.h"
#include "agent/docker_root.h"
#include "base/clock.h"
#include "base/log.h"
#include "docker/docker_host.h"
#include "ledger/state_lock.h"
#include "source/descriptors.h"

/* Bytes: a block from here on is mapped, and goes back to the system when it is freed. The some
 * 170 KiB that snappy takes anew for each body stay below, and as free memory, too. */
enum { MAPPED_FROM = 192 * 1024, TRIMMED_FROM = 384 * 1024 };

enum { MONITOR_NICE = -10 };

struct agent {
    const struct config *config;
    char docker_root[PATH_BYTES_MAX];
    enum docker_root_word root_word;
    char spools[PATH_BYTES_MAX];
    struct census inherited; /* what was there before us */
    struct health *health;
    struct status *status;
    struct admin *admin;
    int lock_fd, signal_fd, wake_fd;
    sigset_t mask_before;
    struct containers *book;
    struct pin *pins;
    struct output_registry *outputs;
    struct sink_environment environment;
    struct watch *watch;
    struct roster_board board;
    struct route *routes[ROUTES_MAX];
    size_t route_count;
    struct known known;
    struct monitor *monitor;
};

/* Left alone, glibc raises these with the first large block that is freed, and from then on keeps
 * what each burst (an output that was away, a backlog) has needed once. */
static void give_memory_back(void)
{
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    mallopt(M_TRIM_THRESHOLD, TRIMMED_FROM);
}

/* Returns how many descriptors there may be. */
static size_t raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    return limit.rlim_cur;
}

/* Counts a descriptor that is held to the end. */
static int hold(int fd)
{
    if (fd >= 0)
        resource_opened(RESOURCE_BASE);
    return fd;
}

static void let_go(int fd)
{
    if (fd >= 0)
        resource_closed(RESOURCE_BASE);
    close_fd(fd);
}

/* Before any thread starts, so that all inherit the mask. */
static int open_signals(struct agent *a, struct error *error)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    pthread_sigmask(SIG_BLOCK, &mask, &a->mask_before);
    a->signal_fd = hold(signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC));
    a->wake_fd = hold(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    return a->signal_fd < 0 || a->wake_fd < 0
               ? error_set(error, -errno, "signals: %s", strerror(errno))
               : 0;
}

/* What others see of us, before there is much to see. */
static int open_status(struct agent *a, const struct agent_options *options, struct error *error)
{
    const struct status_options of = {options->version, options->commit, a->health, &a->inherited};
    int r = status_new(&a->status, &of, error);
    if (r < 0 || options->once || strcmp(a->config->admin_listen, "none") == 0)
        return r;
    return admin_open(&a->admin, a->config->admin_listen, a->status, a->health, error);
}

static void keep_root(const struct agent *a)
{
    if (a->root_word == DOCKER_ROOT_TOLD)
        docker_root_keep(a->config->state, a->docker_root);
    if (a->root_word == DOCKER_ROOT_GUESSED)
        log_line(LOG_INFO, "root.guessed",
                 "`docker.root` is not configured, and no Engine answers: this one is taken until "
                 "one tells",
                 "root=%s", LOG_QUOTE(a->docker_root));
}

static int open_state(struct agent *a, struct error *error)
{
    char path[PATH_BYTES_MAX];
    int r = state_lock_acquire(a->config->state, &a->lock_fd, error);
    if (r < 0)
        return r;
    hold(a->lock_fd);
    keep_root(a);
    snprintf(a->spools, sizeof(a->spools), "%s/streams", a->config->state);
    snprintf(path, sizeof(path), "%s/routes", a->config->state);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    snprintf(path, sizeof(path), "%s/containers.db", a->config->state);
    return containers_open(&a->book, path, NULL, 0, error);
}

static int open_pins(struct agent *a, struct error *error)
{
    struct error reason = {""};
    char logs[PATH_BYTES_MAX]; /* what is to be pinned */
    bool none = strcmp(a->docker_root, "none") == 0;
    if (snprintf(logs, sizeof(logs), "%s/containers", a->docker_root) >= (int)sizeof(logs))
        return error_set(error, -ENAMETOOLONG, "%s: too long", a->docker_root);
    int r = pin_open(&a->pins, a->config->pins, none ? a->config->state : logs, &reason);
    if (r < 0) {
        *error = reason;
        return r;
    }
    monitor_tell_pins_way(a->pins, reason.text);
    return 0;
}

static int open_routes(struct agent *a, bool once, struct error *error)
{
    for (size_t i = 0; i < a->config->route_count; i++) {
        const struct route_config *config = &a->config->routes[i];
        char path[PATH_BYTES_MAX];
        snprintf(path, sizeof(path), "%s/routes/%s.db", a->config->state, config->name);
        struct route_options options = {
            .name = config->name,
            .number = (unsigned)i,
            .match = &config->match,
            .start = {config->start, config->start_since_ns},
            .record_bytes_max = (size_t)a->config->record_max_bytes,
            .batch_age_ns = config->batch_age_ns,
            .batch_bytes_max = config->batch_bytes_max,
            .batch_lines_max = config->batch_lines_max,
            .dead_letters_bytes_max = config->dead_letters_bytes_max,
            .sink = config->sink,
            .environment = &a->environment,
            .ledger_path = path,
            .ledger_keep_ns = a->config->ledger_keep_ns,
            .board = &a->board,
            .watch = once ? NULL : a->watch,
            .journal_directory = a->config->journal_directory,
            .health = a->health,
            .monitor_fd = a->wake_fd,
            .once = once,
        };
        int r = route_open(&a->routes[i], &options, error);
        if (r < 0)
            return r;
        a->route_count++;
    }
    return 0;
}

static void wake_routes(void *context)
{
    struct agent *a = context;
    for (size_t i = 0; i < a->route_count; i++)
        route_wake(a->routes[i]);
}

static int open_monitor(struct agent *a, bool once, struct error *error)
{
    int r = known_load(&a->known, a->book, a->pins, a->routes, a->route_count, error);
    if (r < 0)
        return r;
    struct monitor_options options = {
        .docker_root = a->docker_root,
        .docker_root_configured = a->root_word == DOCKER_ROOT_CONFIGURED,
        .docker_host = docker_host_find(a->config->docker_host),
        .journal_directory = a->config->journal_directory,
        .state = a->config->state,
        .spools = a->spools,
        .health = a->health,
        .constants = {a->config->label_source, a->config->label_service},
        .once = once,
        .reconcile_ns = a->config->reconcile_ns,
        .pins_max_bytes = (uint64_t)a->config->pins_max_bytes,
        .route_count = a->route_count,
        .pins = a->pins,
        .book = a->book,
        .known = &a->known,
        .outputs = a->outputs,
        .board = &a->board,
        .watch = a->watch,
        .wake_routes = wake_routes,
        .context = a,
    };
    for (size_t i = 0; i < a->route_count; i++)
        options.route_names[i] = route_name(a->routes[i]);
    return monitor_open(&a->monitor, &options, error);
}

/* Four fifths of what the system allows are the budget; the rest is for what libraries open
 * unasked. Of the budget comes the fixed part first, then a quarter for outputs, and what remains
 * is for segments. Returns the outputs' part. */
static size_t divide_descriptors(size_t allowed, size_t routes)
{
    size_t budget = allowed - allowed / 5,
           fixed = DESCRIPTORS_FIXED + routes * DESCRIPTORS_OF_ROUTE;
    size_t outputs = budget / 4 < OUTPUTS_OPEN_MAX ? budget / 4 : OUTPUTS_OPEN_MAX;
    bool enough = budget >= fixed + outputs + SEGMENTS_OPEN_MIN;
    descriptors_limit(enough ? budget - fixed - outputs : SEGMENTS_OPEN_MIN);
    return outputs;
}

static int open_all(struct agent *a, const struct agent_options *options, struct error *error)
{
    int r = census_take(&a->inherited);
    if (r < 0)
        return error_set(error, r, "/proc/self cannot be read: %s", strerror(-r));
    size_t outputs = divide_descriptors(raise_limits(), a->config->route_count);
    a->root_word = docker_root_find(a->config, a->docker_root);
    r = open_signals(a, error);
    if (r == 0 && health_new(&a->health) < 0)
        r = error_set(error, -ENOMEM, "no memory");
    if (r == 0)
        r = open_state(a, error);
    if (r == 0)
        r = open_status(a, options, error);
    if (r == 0)
        r = open_pins(a, error);
    if (r == 0 && output_registry_new(&a->outputs) < 0)
        r = error_set(error, -ENOMEM, "no memory");
    a->environment = (struct sink_environment){
        .registry = a->outputs,
        .outputs_open_max = outputs / (a->config->route_count + 1) + 1,
        .health = a->health,
        .version = options->version,
    };
    if (r == 0 && watch_new(&a->watch, a->health) < 0)
        r = error_set(error, -ENOMEM, "no memory");
    if (r == 0)
        r = open_routes(a, options->once, error);
    return r == 0 ? open_monitor(a, options->once, error) : r;
}

/* A generation that Docker rotates away before we have opened it is lost, and on a busy host that
 * is a matter of milliseconds: the monitor, which never works long, goes before others where it
 * may. */
static void go_first(void)
{
    if (setpriority(PRIO_PROCESS, 0, MONITOR_NICE) < 0)
        log_line(LOG_DEBUG, "monitor.nice", "no right to a better priority", "error=%s",
                 LOG_QUOTE(strerror(errno)));
}

/* What a route left undelivered, and the sums of its run. */
static bool close_routes(struct agent *a)
{
    bool undelivered = false;
    for (size_t i = 0; i < a->route_count; i++)
        route_stop(a->routes[i]);
    for (size_t i = 0; i < a->route_count; i++) {
        struct route_status status;
        route_join(a->routes[i]);
        route_status(a->routes[i], &status);
        undelivered |= status.undelivered;
        log_line(LOG_INFO, "route.closed",
                 status.undelivered ? "closed; something is undelivered"
                                    : "closed; all is committed",
                 "route=%s lines=%" PRIu64 " bytes=%" PRIu64 " gaps=%" PRIu64,
                 route_name(a->routes[i]), status.sums.tally.lines_delivered,
                 status.sums.tally.bytes_read, status.sums.tally.gaps);
    }
    return undelivered;
}

static void close_all(struct agent *a, bool orderly)
{
    a->admin = admin_close(a->admin);
    a->status = status_free(a->status);
    a->monitor = monitor_close(a->monitor, orderly);
    for (size_t i = 0; i < a->route_count; i++)
        a->routes[i] = route_close(a->routes[i]);
    roster_board_deinit(&a->board);
    watch_free(a->watch);
    known_deinit(&a->known);
    output_registry_free(a->outputs);
    pin_close(a->pins);
    containers_close(a->book);
    health_free(a->health);
    let_go(a->wake_fd);
    if (a->signal_fd >= 0) {
        let_go(a->signal_fd);
        pthread_sigmask(SIG_SETMASK, &a->mask_before, NULL);
    }
    let_go(a->lock_fd);
}

static bool all_done(const struct agent *a)
{
    for (size_t i = 0; i < a->route_count; i++)
        if (!route_is_done(a->routes[i]))
            return false;
    return true;
}

enum turn { TURN_SIGNAL = 1, TURN_LATE };

/* One step of the monitor. 0: go on; TURN_SIGNAL, TURN_LATE, or -errno. */
static int turn(struct agent *a, int64_t end_ns, struct error *error)
{
    struct pollfd fds[] = {{.fd = a->signal_fd, .events = POLLIN},
                           {.fd = a->wake_fd, .events = POLLIN},
                           {.fd = status_fd(a->status), .events = POLLIN}};
    int64_t left_ns = end_ns - clock_monotonic_ns();
    if (left_ns <= 0)
        return TURN_LATE;
    int wait_ms = end_ns == INT64_MAX ? -1 : (int)(left_ns / NS_PER_MS) + 1;
    int r = monitor_step(a->monitor, fds, ARRAY_SIZE(fds), wait_ms);
    if (r < 0)
        return error_set(error, r, "monitor: %s", strerror(-r));
    uint64_t count;
    if (fds[1].revents && read(a->wake_fd, &count, sizeof(count)) > 0)
        monitor_routes_changed(a->monitor);
    if (fds[2].revents)
        status_tell(a->status, a->monitor);
    struct signalfd_siginfo signal;
    return fds[0].revents && read(a->signal_fd, &signal, sizeof(signal)) > 0 ? TURN_SIGNAL : 0;
}

/* `once`: what only the Engine can give is received before a route begins, so that it is known
 * where each log ends. 0, TURN_SIGNAL, TURN_LATE, or -errno. */
static int gather(struct agent *a, int64_t end_ns, struct error *error)
{
    int r;
    while ((r = monitor_gathered(a->monitor, error)) == 0)
        if ((r = turn(a, end_ns, error)) != 0)
            return r;
    return r < 0 ? r : 0;
}

/* Runs until a signal (0), or with `once` until all is delivered (0) or the time is over. */
static int run(struct agent *a, bool once, int64_t end_ns, struct error *error)
{
    int r = 0;
    while (r == 0 && !(once && all_done(a)))
        r = turn(a, end_ns, error);
    return r == TURN_SIGNAL ? 0 : r == TURN_LATE ? AGENT_UNDELIVERED : r;
}

int agent_run(const struct agent_options *options, struct error *error)
{
    struct agent a = {.config = options->config, .lock_fd = -1, .signal_fd = -1, .wake_fd = -1};
    log_set_level(options->config->log_level);
    give_memory_back();
    roster_board_init(&a.board);

    int64_t end_ns = options->timeout_ns ? clock_monotonic_ns() + options->timeout_ns : INT64_MAX;
    int r = open_all(&a, options, error);
    if (r == 0 && options->once)
        r = gather(&a, end_ns, error);
    for (size_t i = 0; r == 0 && i < a.route_count; i++)
        r = route_start(a.routes[i], error);
    if (r) {
        close_all(&a, false);
        return r < 0 ? r : AGENT_UNDELIVERED;
    }
    status_set_routes(a.status, a.routes, a.route_count);
    status_tell(a.status, a.monitor);
    struct monitor_status status;
    monitor_status(a.monitor, &status);
    go_first();
    log_line(LOG_INFO, "agent.started", "following",
             "root=%s containers=%zu sources=%zu routes=%zu", LOG_QUOTE(a.docker_root),
             status.containers, status.sources, a.route_count);

    r = run(&a, options->once, end_ns, error);
    /* From here on a second signal ends the process at once. */
    pthread_sigmask(SIG_SETMASK, &a.mask_before, NULL);
    bool undelivered = close_routes(&a);
    close_all(&a, true);
    log_fact(LOG_INFO, "agent.ended", "all is closed");
    return r < 0 ? r : (r || undelivered) ? AGENT_UNDELIVERED : 0;
}
