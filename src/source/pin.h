/* pin — keeps a segment readable after Docker has let go of it: a hard link, or a descriptor.
 *
 * `link`: `<pins>/<id>.<serial>`, made from the open descriptor, so that it is that very inode,
 * whatever its name is by now. Survives our restart. Needs Docker's root on the same mount and root
 * or CAP_FOWNER. `descriptor`: the segment's own, until we end.
 *
 * - Owns: nothing but the directory's descriptor.
 * - Thread: one.
 */
#pragma once

#include "base/error.h"
#include "source/segment.h"

enum pin_way { PIN_LINK, PIN_DESCRIPTOR };

struct pin;

/* Makes the directory (0700) where it is missing, and finds out which way works between it and
 * `docker_containers`. `error` gets the reason where it is PIN_DESCRIPTOR. */
int pin_open(struct pin **ret, const char *directory, const char *docker_containers,
             struct error *reason) MUST_CHECK;
struct pin *pin_close(struct pin *p);
/* Finds out anew, between it and another directory or one that was missing; links that were made
 * stay. `reason` as above. */
void pin_find_way(struct pin *p, const char *docker_containers, struct error *reason);
DEFINE_CLEANUP(struct pin *, pin_close)

enum pin_way pin_way(const struct pin *p);
/* For a source's home; lives as long as the pins do. */
const char *pin_directory(const struct pin *p);
const char *pin_way_word(enum pin_way way);

/* Pins a segment that has a home. 0, or -errno: it then stays pinned by its descriptor alone. */
int pin_segment(struct pin *p, struct segment *s) MUST_CHECK;
/* Takes up the link of an earlier run, if it is of this very file. *ret_size: bytes. 0, or -ENOENT
 * where there is none, -ESTALE where it is another file. A segment whose file is not known yet gets
 * the pin's. */
int pin_adopt(struct segment *s, uint64_t *ret_size) MUST_CHECK;
/* Removes the link, if there is one. */
void pin_drop(struct segment *s);

/* Each pin there is: `visit(context, id, serial, path)`; stops at the first non-zero answer. */
int pin_each(struct pin *p,
             int (*visit)(void *context, const char *id, uint64_t serial, const char *path),
             void *context);

/* `<id>.<serial>` taken apart; false for other names. `id` holds PIN_ID_MAX bytes. */
enum { PIN_ID_MAX = 128 };
bool pin_parse_name(const char *name, char *id, uint64_t *ret_serial);
