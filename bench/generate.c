// SPDX-License-Identifier: Apache-2.0
/* generate — a json-file log of the two kinds that benchmarks need, always the same for one seed.
 *
 *   generate A|B MEGABYTES [--seed N] [--partials PERCENT]   to standard output
 *
 * A: server logs, about 208 bytes a line, few escapes. B: JSON logs, about 287 bytes a line, 28
 * escaped quotes in each. --partials: this share of the lines is longer than Docker's 16 KiB and
 * cut as Docker cuts them, all pieces with one time.
 */
#include "base/clock.h"
#include "base/rfc3339.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024, CHUNK_BYTES = 16384 };

struct generator {
    uint64_t random;
    int64_t now_ns;
    uint64_t line;
    uint64_t written; /* bytes */
    char text[TEXT_MAX];
    size_t size; /* of text, bytes */
};

/* SplitMix64: any seed is a good one. */
static uint64_t next_random(struct generator *g)
{
    uint64_t z = g->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned below(struct generator *g, unsigned limit)
{
    return (unsigned)(next_random(g) % limit);
}

#define ONE_OF(g, words) ((words)[below((g), sizeof(words) / sizeof((words)[0]))])

static const char *const levels[] = {"INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"};
static const char *const parts[] = {"http.Router", "db.Pool",      "auth.Session",
                                    "cache.Store", "queue.Worker", "billing.Invoice"};
static const char *const deeds[] = {
    "request completed", "connection returned to the pool", "session refreshed for the user",
    "entry evicted after its time to live", "job taken from the queue and acknowledged"};
static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};

static void put(struct generator *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct generator *g, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int size = vsnprintf(g->text + g->size, TEXT_MAX - g->size, format, list);
    va_end(list);
    if (size > 0 && (size_t)size < TEXT_MAX - g->size)
        g->size += (size_t)size;
}

/* A server's line; one in ten holds an escape or two. */
static void server_text(struct generator *g)
{
    put(g, "%-5s [w-%u] com.example.%s - %s, id=%016" PRIx64 " took %u us", ONE_OF(g, levels),
        below(g, 64), ONE_OF(g, parts), ONE_OF(g, deeds), next_random(g), below(g, 100000));
    if (below(g, 2))
        put(g, " from 10.%u.%u.%u:%u", below(g, 256), below(g, 256), below(g, 256),
            1024 + below(g, 60000));
    if (below(g, 2))
        put(g, " path=/api/v1/items/%u status=%u", below(g, 1000000), 200 + below(g, 4));
    if (below(g, 10) == 0)
        put(g, below(g, 2) ? "\\u0009retries=%u" : " agent=\\\"client/%u.0\\\"", below(g, 9));
}

/* A JSON object of seven string members: 28 quotes, escaped. */
static void json_text(struct generator *g)
{
    put(g, "{\\\"level\\\":\\\"%s\\\",\\\"logger\\\":\\\"%s\\\",\\\"msg\\\":\\\"%s\\\",",
        ONE_OF(g, levels), ONE_OF(g, parts), ONE_OF(g, deeds));
    put(g, "\\\"trace\\\":\\\"%016" PRIx64 "%016" PRIx64 "\\\",\\\"method\\\":\\\"%s\\\",",
        next_random(g), next_random(g), ONE_OF(g, methods));
    put(g, "\\\"path\\\":\\\"/api/v1/%u\\\",\\\"peer\\\":\\\"10.0.%u.%u:%u\\\"}", below(g, 1000000),
        below(g, 256), below(g, 256), 10000 + below(g, 50000));
}

static void put_record(struct generator *g, const char *text, size_t size, const char *end,
                       int64_t time_ns)
{
    char time[RFC3339_SIZE];
    rfc3339_format(time, time_ns);
    int digits = RFC3339_SIZE - 1;  /* without the Z */
    while (time[digits - 1] == '0') /* Docker trims the fraction */
        digits--;
    if (time[digits - 1] == '.')
        digits--;
    int n = printf("{\"log\":\"%.*s%s\",\"stream\":\"%s\",\"time\":\"%.*sZ\"}\n", (int)size, text,
                   end, g->line % 16 == 0 ? "stderr" : "stdout", digits, time);
    if (n < 0) {
        perror("generate");
        exit(1);
    }
    g->written += (uint64_t)n;
}

static void put_line(struct generator *g, bool json, bool partial)
{
    g->size = 0;
    g->now_ns += 20000 + below(g, 200000);
    g->line++;
    if (partial) { /* plain, so that a byte of text is one of the source's */
        while (g->size < CHUNK_BYTES + 8000)
            put(g, "%016" PRIx64 " ", next_random(g));
        put_record(g, g->text, CHUNK_BYTES, "", g->now_ns);
        put_record(g, g->text + CHUNK_BYTES, g->size - CHUNK_BYTES, "\\n", g->now_ns);
        return;
    }
    if (json)
        json_text(g);
    else
        server_text(g);
    put_record(g, g->text, g->size, "\\n", g->now_ns);
}

static unsigned long number(const char *text, unsigned long max)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || end == text || value > max) {
        fprintf(stderr, "generate: \"%s\" is no number up to %lu\n", text, max);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc % 2 == 0 || (strcmp(argv[1], "A") != 0 && strcmp(argv[1], "B") != 0)) {
        fprintf(stderr, "usage: generate A|B MEGABYTES [--seed N] [--partials PERCENT]\n");
        return 2;
    }
    uint64_t bytes = number(argv[2], 1000000) * 1000000;
    unsigned long seed = 1, partials = 0;
    for (int i = 3; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = number(argv[i + 1], ULONG_MAX - 1);
        else if (strcmp(argv[i], "--partials") == 0)
            partials = number(argv[i + 1], 100);
        else
            return fprintf(stderr, "generate: unknown option %s\n", argv[i]), 2;
    }

    static struct generator g;
    g.random = seed;
    g.now_ns = INT64_C(1795449600) * NS_PER_SECOND; /* 2026-11-23T16:00:00Z */
    while (g.written < bytes)
        put_line(&g, argv[1][0] == 'B', below(&g, 100) < partials);
    if (fflush(stdout) != 0) {
        perror("generate");
        return 1;
    }
    return 0;
}
