// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/clock.h"
#include "base/rfc3339.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static _Atomic enum log_level level_min = LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_min, level, memory_order_relaxed);
}

enum log_level log_level(void)
{
    return atomic_load_explicit(&level_min, memory_order_relaxed);
}

static bool is_bare(const char *value)
{
    if (!*value)
        return false;
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p == 0x7f)
            return false;
    return true;
}

const char *log_quote(struct log_quoted *to, const char *value)
{
    if (!value)
        value = "";
    size_t at = 0, size = strlen(value);
    if (is_bare(value) && size < sizeof(to->text)) {
        memcpy(to->text, value, size + 1);
        return to->text;
    }
    to->text[at++] = '"';
    for (const char *p = value; *p && at < sizeof(to->text) - 6; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') {
            to->text[at++] = '\\';
            to->text[at++] = (char)c;
        } else if (c < ' ' || c == 0x7f) {
            at += (size_t)snprintf(to->text + at, 5, "\\x%02x", c);
        } else {
            to->text[at++] = (char)c;
        }
    }
    to->text[at++] = '"';
    to->text[at] = '\0';
    return to->text;
}

static void write_line(enum log_level level, const char *event, const char *message,
                       const char *fields)
{
    char line[LOG_LINE_MAX];
    char now[RFC3339_SIZE];
    rfc3339_format(now, clock_now_ns());
    int used =
        snprintf(line, sizeof(line), "time=%.*s level=%s event=%s msg=%s%s%s", RFC3339_SIZE, now,
                 level_names[level], event, LOG_QUOTE(message), *fields ? " " : "", fields);
    size_t size = used < 0 ? 0 : (size_t)used;
    if (size >= sizeof(line))
        size = sizeof(line) - 1;
    line[size++] = '\n';
    if (write(STDERR_FILENO, line, size) < 0)
        return; /* nobody is left to tell */
}

void log_line(enum log_level level, const char *event, const char *message, const char *fields, ...)
{
    if (level < log_level())
        return;
    char text[LOG_LINE_MAX];
    va_list arguments;
    va_start(arguments, fields);
    vsnprintf(text, sizeof(text), fields, arguments);
    va_end(arguments);
    write_line(level, event, message, text);
}

void log_fact(enum log_level level, const char *event, const char *message)
{
    if (level >= log_level())
        write_line(level, event, message, "");
}

bool log_limit_pass(struct log_limit *limit, int64_t interval_ns, uint64_t *ret_suppressed)
{
    int64_t now = clock_monotonic_ns();
    if (now < limit->next_ns) {
        limit->suppressed++;
        return false;
    }
    limit->next_ns = now + interval_ns;
    *ret_suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
