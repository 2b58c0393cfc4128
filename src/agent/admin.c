// SPDX-License-Identifier: Apache-2.0
#include "agent/admin.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "agent/admin_address.h"
#include "agent/admin_answer.h"
#include "agent/admin_connections.h"
#include "base/clock.h"
#include "base/log.h"

struct admin {
    const char *listen; /* borrowed */
    struct admin_address address;
    struct status *status;
    struct health *health;
    int listen_fd; /* -1 while it cannot be had */
    int stop_fd;
    struct MHD_Daemon *http; /* parses and writes; accepting is ours */
    struct admin_connections connections;
    pthread_t thread;
    bool started;
    struct status_report report; /* room for one answer at a time */
    struct buf body;
};

/* HTTP's own part calls these three, in our thread. */

static void note_connection(void *context, struct MHD_Connection *connection, void **one,
                            enum MHD_ConnectionNotificationCode what)
{
    struct admin *a = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *one = admin_connections_add(&a->connections, fd, clock_monotonic_ns());
        resource_opened(RESOURCE_ADMIN);
    } else {
        admin_connections_remove(&a->connections, *one);
        resource_closed(RESOURCE_ADMIN);
    }
}

static void note_answered(void *context, struct MHD_Connection *connection, void **heard,
                          enum MHD_RequestTerminationCode how)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        admin_connection_answered(info->socket_context, clock_monotonic_ns());
}

static enum MHD_Result give(struct admin *a, struct MHD_Connection *connection,
                            const struct admin_answer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(a->body.size, a->body.data, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (answer->allow)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
    enum MHD_Result queued =
        MHD_queue_response(connection, (unsigned)status_answer_code(answer->status), response);
    MHD_destroy_response(response);
    return queued;
}

/* Called once when the headers are there, then for what else comes, then for the answer. One that
 * is given earlier ends the connection. */
static enum MHD_Result hear(void *context, struct MHD_Connection *connection, const char *path,
                            const char *method, const char *version, const char *upload,
                            size_t *upload_size, void **heard)
{
    struct admin *a = context;
    struct admin_answer answer;
    if (!*heard || *upload_size) {
        *heard = a;
        *upload_size = 0; /* nobody asks with a body */
        return MHD_YES;
    }
    buf_clear(&a->body);
    const struct admin_question question = {
        .method = method,
        .path = path,
        .origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ORIGIN),
        .key = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "key"),
        .all = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "all"),
        .reason = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "reason"),
        .status = a->status,
        .report = &a->report,
        .body = &a->body,
    };
    admin_answer(&answer, &question);
    return give(a, connection, &answer);
}

/* It polls by epoll, in our thread, and listens nowhere: so that a socket that cannot be had, and
 * the limit of connections, are ours to handle. */
static struct MHD_Daemon *start_http(struct admin *a)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, hear, a,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)ADMIN_CONNECTIONS_MAX,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)ADMIN_REQUEST_BYTES_MAX,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)ADMIN_IDLE_SECONDS_MAX,
                            MHD_OPTION_NOTIFY_CONNECTION, note_connection, a,
                            MHD_OPTION_NOTIFY_COMPLETED, note_answered, a, MHD_OPTION_END);
}

static void try_to_listen(struct admin *a)
{
    struct error error = {""};
    if (admin_address_listen(&a->address, a->listen, &a->listen_fd, &error) < 0) {
        health_raise(a->health, "admin.listen", a->listen, error.text);
        return;
    }
    resource_opened(RESOURCE_ADMIN);
    health_clear(a->health, "admin.listen", a->listen);
    log_line(LOG_INFO, "admin.listening", "metrics and health are served", "listen=%s",
             LOG_QUOTE(a->listen));
}

/* False where there is none, or none can be taken now. */
static bool take_connection(struct admin *a)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    int fd = accept4(a->listen_fd, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    /* It closes what it does not take. */
    return fd >= 0 && MHD_add_connection(a->http, fd, (struct sockaddr *)&peer, size) == MHD_YES;
}

/* How long nothing need be done, -1: as long as nothing comes. */
static int timeout_ms(struct admin *a, int64_t due_ns, bool retry)
{
    MHD_UNSIGNED_LONG_LONG http_ms;
    int64_t ms = INT32_MAX;
    if (due_ns != INT64_MAX)
        ms = (due_ns - clock_monotonic_ns()) / NS_PER_MS + 1;
    if (retry && ms > ADMIN_RETRY_MS)
        ms = ADMIN_RETRY_MS;
    if (MHD_get_timeout(a->http, &http_ms) == MHD_YES && (int64_t)http_ms < ms)
        ms = (int64_t)http_ms;
    return ms == INT32_MAX ? -1 : ms < 0 ? 0 : (int)ms;
}

static int epoll_of(struct admin *a)
{
    return MHD_get_daemon_info(a->http, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static void *run(void *context)
{
    struct admin *a = context;
    bool full = false; /* descriptors have run out: some will be closed */
    for (;;) {
        if (a->listen_fd < 0)
            try_to_listen(a);
        int64_t due_ns = admin_connections_expire(&a->connections, clock_monotonic_ns());
        bool room = a->connections.count < ADMIN_CONNECTIONS_MAX && !full;
        struct pollfd fds[] = {{.fd = a->stop_fd, .events = POLLIN},
                               {.fd = epoll_of(a), .events = POLLIN},
                               {.fd = room ? a->listen_fd : -1, .events = POLLIN}};
        poll(fds, ARRAY_SIZE(fds), timeout_ms(a, due_ns, a->listen_fd < 0 || full));
        if (fds[0].revents)
            return NULL;
        full = fds[2].revents && !take_connection(a) && (errno == EMFILE || errno == ENFILE);
        MHD_run(a->http);
    }
}

static int start_thread(struct admin *a, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&a->thread, NULL, run, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code)
        return error_set(error, -code, "the admin server: cannot start its thread: %s",
                         strerror(code));
    pthread_setname_np(a->thread, "admin");
    a->started = true;
    resource_thread_started();
    return 0;
}

int admin_open(struct admin **ret, const char *listen, struct status *status, struct health *health,
               struct error *error)
{
    CLEANUP(admin_close) struct admin *a = calloc(1, sizeof(*a));
    if (!a)
        return error_set(error, -ENOMEM, "no memory");
    a->listen = listen;
    a->status = status;
    a->health = health;
    a->listen_fd = -1;
    a->body = BUF_INIT(ADMIN_ANSWER_BYTES_MAX);
    a->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (a->stop_fd < 0)
        return error_set(error, -errno, "the admin server: eventfd: %s", strerror(errno));
    resource_opened(RESOURCE_BASE);
    if (!admin_address_parse(&a->address, listen))
        return error_set(error, -EINVAL, "the admin server: %s is no address", listen);
    a->http = start_http(a);
    if (!a->http)
        return error_set(error, -ENOMEM, "the admin server cannot start: no memory");
    int r = start_thread(a, error);
    if (r < 0)
        return r;
    *ret = TAKE(a);
    return 0;
}

static void join(struct admin *a)
{
    uint64_t one = 1;
    if (!a->started)
        return;
    (void)!write(a->stop_fd, &one, sizeof(one));
    pthread_join(a->thread, NULL);
    resource_thread_joined();
}

struct admin *admin_close(struct admin *a)
{
    if (!a)
        return NULL;
    join(a);
    if (a->http)
        MHD_stop_daemon(a->http);
    if (a->listen_fd >= 0) {
        resource_closed(RESOURCE_ADMIN);
        close_fd(a->listen_fd);
        admin_address_remove(&a->address);
    }
    if (a->stop_fd >= 0) {
        resource_closed(RESOURCE_BASE);
        close_fd(a->stop_fd);
    }
    buf_deinit(&a->body);
    free(a);
    return NULL;
}
