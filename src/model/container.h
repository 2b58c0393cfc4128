/* container — what we know of one Docker container: an immutable, counted record.
 *
 * A change makes another record. It is built at once by container_new from a struct
 * container_fields (docker/ fills that from the Engine's inspect answer or from config.v2.json +
 * hostconfig.json), its labels are rendered once, and then it is only read, by any thread.
 *
 * - Owns: all its strings, in one block with itself (but for a folded one: container_fold.h), given
 *   back with the last reference.
 * - Thread: ref, unref and reads from any.
 * - Limits: none of its own; what it is made from is at most CONTAINER_JSON_MAX.
 * - Errors: -EINVAL (the id), -ENOMEM.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/span.h"

#include <stdint.h>

enum { CONTAINER_ID_SIZE = 64 /* hex digits */, CONTAINER_SHORT_ID_SIZE = 12 };

/* Instead of a size in bytes at which Docker begins another log file. */
enum { CONTAINER_ROTATION_UNKNOWN = 0, CONTAINER_ROTATES_NEVER = -1 };

/* A name and a value; both NUL-terminated and never NULL. */
struct pair {
    const char *key;
    const char *value;
};

struct pairs {
    struct pair *items; /* sorted by key, bytewise */
    size_t count;
};

/* The labels that are the same for every container (S42); "" or NULL leaves one out. */
struct container_constants {
    const char *source;
    const char *service;
};
#define CONTAINER_CONSTANTS_DEFAULT                                                                \
    ((struct container_constants){.source = "docker", .service = "ssw-log-capturer"})

struct container {
    unsigned refs;       /* atomic */
    bool folded;         /* container_fold.h */
    bool usual_log_path; /* folded: "/<id>/<id>-json.log" is to be added to `log_path` */
    bool cache_disabled; /* the log option cache-disabled: no dual logging */
    bool tty;

    /* S12; every string non-NULL, "" where Docker says nothing */
    const char *id;
    const char *name;   /* without the leading slash */
    const char *image;  /* as the user gave it */
    int64_t created_ns; /* RFC3339_ZERO_NS if never or unknown */
    int64_t started_ns;
    const char *state;  /* created running paused restarting removing exited dead */
    const char *status; /* the health word where there is a healthcheck, else state */
    const char *platform;
    const char *hostname;
    const char *command;   /* S15: first word of Cmd, else Path */
    struct pairs labels;   /* all of them, as Docker has them */
    struct pairs networks; /* name -> address ("" where it has none): S12 networks, IP addresses */
    const char *network_mode;

    const char *log_driver; /* "json-file" where Docker leaves it out */
    const char *log_path;   /* as inspect says; "" if it does not */
    int64_t rotation_bytes; /* of a log file: as docker/log_rotation.h, or CONTAINER_… */

    /* Rendered once, S32 to S43 without `stream` (the entry's own), in the fixed order of
     * container_labels.h; empty values left out. Keys sanitised (D47). */
    struct pairs rendered; /* in that order, not sorted */
    struct container_constants constants;
};

/* What a record is made from: borrowed for the call. A NULL string counts as "", an empty
 * log_driver as json-file; pairs need not be sorted, their keys are unique. */
struct container_fields {
    const char *id; /* 64 lower-case hex digits */
    const char *name;
    const char *image;
    int64_t created_ns;
    int64_t started_ns;
    const char *state;
    const char *status;
    const char *platform;
    const char *hostname;
    const char *command;
    struct pairs labels;
    struct pairs networks;
    const char *network_mode;
    const char *log_driver;
    const char *log_path;
    int64_t rotation_bytes;
    bool cache_disabled;
    bool tty;
    struct container_constants constants;
};

int container_new(struct container **ret, const struct container_fields *fields) MUST_CHECK;
/* A record made of what another one rendered, in its order: good for what depends on the rendered
 * labels, id, name and TTY alone, as all sinks do. The rest is empty. */
int container_restore(struct container **ret, const char *id, const char *name,
                      const struct pairs *rendered, bool tty) MUST_CHECK;
struct container *container_ref(struct container *c);
/* Gives one reference back. Accepts NULL. Returns NULL. */
struct container *container_unref(struct container *c);
DEFINE_CLEANUP(struct container *, container_unref)

/* What labels render from (and with them eras, matching and output paths): true where both would
 * give the same labels, name, image and TTY. */
bool container_renders_same(const struct container *a, const struct container *b);

/* The value of a rendered label, or of a Docker label; NULL where there is none. */
const char *container_rendered(const struct container *c, const char *key);
const char *container_label(const struct container *c, const char *key);
const char *pairs_get(const struct pairs *sorted, const char *key);

/* True for a full id as Docker writes it: 64 lower-case hex digits. */
bool container_id_valid(const char *text);
