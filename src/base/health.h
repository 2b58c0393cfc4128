/* health — what is wrong with the program right now, each with its reason: what makes it degraded.
 *
 * Whoever meets a lasting trouble raises it under a code and a subject, and clears it when it is
 * over. Each is logged once when it begins and once when it ends; the admin server shows all that
 * stand.
 *
 *     health_raise(h, "files.unreadable", "/var/lib/docker/containers", "… what to do …");
 *     health_clear(h, "files.unreadable", "/var/lib/docker/containers");
 *
 * - Owns: its texts.
 * - Limits: HEALTH_TROUBLES_MAX; more are only counted.
 * - Thread: any; a short mutex, never held over I/O.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEALTH_TROUBLES_MAX = 64,
    HEALTH_CODE_MAX = 48,     /* bytes, as all here with the NUL */
    HEALTH_SUBJECT_MAX = 256, /* a path, a route's name; "" where the code says it all */
    HEALTH_REASON_MAX = 512,  /* a sentence: what is wrong, and what to do */
};

struct health_trouble {
    char code[HEALTH_CODE_MAX]; /* "files.unreadable": stable, also the event in our log */
    char subject[HEALTH_SUBJECT_MAX];
    char reason[HEALTH_REASON_MAX];
    int64_t since_ns; /* wall clock */
};

struct health;

int health_new(struct health **ret) MUST_CHECK;
struct health *health_free(struct health *h);
DEFINE_CLEANUP(struct health *, health_free)

/* `h` may be NULL: nothing happens. Raising what stands already only renews its reason, in
 * silence. */
void health_raise(struct health *h, const char *code, const char *subject, const char *reason);
void health_clear(struct health *h, const char *code, const char *subject);

/* Copies up to `max` of them, oldest first; returns how many there are in all. */
size_t health_troubles(struct health *h, struct health_trouble *to, size_t max);
