/* home — where the files of one source lie: Docker's directory and its names in it, and our pins.
 * What its segments open themselves again from.
 *
 * Ten thousand homes differ in their ids alone, so its texts are words and its directory is put
 * together when it is asked for.
 *
 * - Owns: a reference on each of its words.
 * - Thread: any; it never changes.
 * - Errors: 0, -ESTALE where Docker has no name (any more) for a file, -errno.
 */
#pragma once

#include "base/cleanup.h"
#include "model/cursor.h"
#include "source/scan.h"

#include <stdatomic.h>
#include <stdbool.h>

struct home {
    atomic_uint refs;
    bool directory_has_id;   /* the id stands between `before` and `after` */
    bool live_has_id;        /* and before the `live_ending`: "-json.log" */
    const char *id;          /* of the source */
    const char *before;      /* of the live file's directory, which need not exist any more … */
    const char *after;       /* … as this is */
    const char *live_ending; /* of the live file's name */
    const char *pins;        /* the directory of all pins; borrowed; NULL: there are none */
};

int home_new(struct home **ret, const char *id, const char *directory, const char *live_name,
             const char *pins) MUST_CHECK;
struct home *home_ref(struct home *h);
struct home *home_unref(struct home *h);
DEFINE_CLEANUP(struct home *, home_unref)

/* A file of its directory; NULL: the directory itself. 0 or -ENAMETOOLONG. */
int home_path(const struct home *h, const char *name, char *path, size_t size) MUST_CHECK;

/* What lies in the directory, as scan_directory(). */
int home_scan(const struct home *h, struct scan *ret) MUST_CHECK;

/* By which name Docker has this file now, whatever rotation has made of it. `path` holds `size`
 * bytes. *ret_bytes: its size. */
int home_find(const struct home *h, struct file_id file, char *path, size_t size,
              uint64_t *ret_bytes) MUST_CHECK;

/* Where the pin of a segment is, or would be. */
int home_pin_path(const struct home *h, uint64_t serial, char *path, size_t size) MUST_CHECK;
