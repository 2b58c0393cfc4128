/* rig — a sink, the directory it writes to, and the ledger that it is promised, in memory.
 *
 * The rig plays the route: it commits in the order that sink.h lays down, keeps the rows, and
 * recovers from them. Lines are raw unless a test says otherwise, so that a file's content is the
 * lines.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "sink/catalog.h"
#include "sink/file_options.h"
#include "sink/output_registry.h"

enum { RIG_PATH_MAX = 512, RIG_ROWS_MAX = 64 };

struct rig_row {
    char path[RIG_PATH_MAX];
    struct file_id file;
    uint64_t length;
};

/* The ledger's rows. Plain memory, so that it can be shared with a process that gets killed. */
struct rig_book {
    struct rig_row rows[RIG_ROWS_MAX];
    size_t count;
};

struct rig {
    char directory[RIG_PATH_MAX];
    char template[RIG_PATH_MAX];
    struct rig_book own_book;
    struct rig_book *book;
    struct output_registry *registry;
    struct sink_environment environment;
    struct file_options options;
    const struct sink_ops *ops;
    struct sink *sink;
    size_t changed;      /* rows that the last recovery had to change */
    size_t checkpointed; /* rows of the last commit's checkpoint */
    struct error error;
};

/* A rig in a fresh directory; the template is that directory and `tail`. Not opened yet. */
void rig_init(struct rig *r, const char *tail);
/* Closes it and removes the directory. */
void rig_deinit(struct rig *r);

void rig_open(struct rig *r);
/* As if the process had ended: nothing is flushed. */
void rig_close(struct rig *r);
/* From the book; rows that change are booked. */
int rig_recover(struct rig *r);
/* prepare, book, flush, checkpoint, book. */
int rig_commit(struct rig *r);

struct sink_target *rig_bind(struct rig *r, const struct container *c);
/* Lines up to a NULL. */
int rig_encode(struct rig *r, struct sink_target *target, const char *line, ...)
    __attribute__((sentinel));

/* A path within the rig's directory; valid until the next call. */
const char *rig_path(const struct rig *r, const char *tail);
void rig_write_file(const char *path, const char *content);
void rig_assert_file(const char *path, const char *content);
/* The file's bytes, NUL-terminated, to be freed. */
char *rig_read_file(const char *path, size_t *ret_size);

/* A container with nothing but a name and a compose project (NULL: none). */
struct container *rig_container(const char *name, const char *project);
