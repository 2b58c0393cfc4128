// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <errno.h>

#define AT(member) .offset = offsetof(struct wire_options, member)

static const struct sink_option wire_rows[] = {
    {.name = "url", .kind = OPTION_URL, AT(url), .required = true, .help = "Where."},
    {.name = "proxy",
     .kind = OPTION_URL,
     AT(proxy),
     .words = OPTION_WORDS("socks5"),
     .help = "Through what."},
    {.name = "username", .kind = OPTION_TEXT, AT(username), .help = "Who."},
    {.name = "password", .kind = OPTION_SECRET, AT(password), .help = "Hush."},
    {.name = "headers", .kind = OPTION_HEADERS, AT(headers), .help = "Sent along."},
    {.name = "labels", .kind = OPTION_PAIRS, AT(labels), .help = "Put on."},
    {.name = "brokers", .kind = OPTION_TEXTS, AT(brokers), .help = "All of them."},
    {.name = "tls_ca", .kind = OPTION_PATH, AT(tls_ca), .help = "A file."},
    {.name = "spool", .kind = OPTION_TEMPLATE, AT(spool), .help = "Files."},
    {.name = "verify", .kind = OPTION_BOOL, AT(verify), .fallback = "true", .help = "Or not."},
    {.name = "tries",
     .kind = OPTION_COUNT,
     AT(tries),
     .fallback = "5",
     .minimum = 1,
     .maximum = 10,
     .help = "How often."},
    {.name = "bytes", .kind = OPTION_SIZE, AT(bytes), .fallback = "1MiB", .help = "How much."},
    {.name = "timeout",
     .kind = OPTION_DURATION,
     AT(timeout_ns),
     .fallback = "30s",
     .minimum = 1000000,
     .maximum = 3600000000000,
     .help = "How long."},
    {.name = "order",
     .kind = OPTION_CHOICE,
     AT(order),
     .fallback = "loose",
     .words = OPTION_WORDS("loose", "strict"),
     .help = "How well."},
    {0},
};

struct sink {
    char unused;
};

static int wire_open(struct sink **ret, const void *options,
                     const struct sink_environment *environment, struct error *error)
{
    static struct sink sink;
    const struct wire_options *wire = options;

    if (wire->password && !wire->username)
        return error_set(error, -EINVAL, "password: needs a username");
    *ret = &sink;
    return 0;
}

static struct sink *wire_close(struct sink *s)
{
    return NULL;
}

static const struct sink_request_ops no_requests;

const struct sink_ops wire_sink = {
    .type = "wire",
    .help = "Lines go over a wire.",
    .options_size = sizeof(struct wire_options),
    .options = {{.items = wire_rows}, {request_option_rows, 0, "requests"}},
    .open = wire_open,
    .close = wire_close,
    .requests = &no_requests,
};

const struct sink_ops *const *__real_sink_all(size_t *ret_count);
const struct sink_ops *const *__wrap_sink_all(size_t *ret_count);

const struct sink_ops *const *__wrap_sink_all(size_t *ret_count)
{
    static const struct sink_ops *all[16];
    const struct sink_ops *const *real = __real_sink_all(ret_count);

    for (size_t i = 0; i < *ret_count; i++)
        all[i] = real[i];
    all[(*ret_count)++] = &wire_sink;
    return all;
}
