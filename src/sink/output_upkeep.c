// SPDX-License-Identifier: Apache-2.0
#include "sink/output_upkeep.h"

#include <inttypes.h>

void output_upkeep_deinit(struct output_upkeep *u)
{
    u->compressor = output_compressor_free(u->compressor);
}

void output_upkeep_wake(struct output_upkeep *u, const struct output_table *outputs)
{
    u->left = outputs->count;
}

static void give_up(struct output_upkeep *u, int64_t now_ns, const struct error *error)
{
    uint64_t suppressed;
    u->compressor = output_compressor_free(u->compressor);
    u->next++;
    __atomic_fetch_add(&u->failures, 1, __ATOMIC_RELAXED);
    u->paused_until_ns = now_ns + COMPRESS_PAUSE_NS;
    if (log_limit_pass(&u->failure_log, 3600 * NS_PER_SECOND, &suppressed))
        log_line(LOG_WARN, "output.not_compressed",
                 "a rotated file stays as it is for now; nothing is lost",
                 "error=%s suppressed=%" PRIu64, LOG_QUOTE(error->text), suppressed);
}

/* The ledger's row may still name the rotated file as long as the new one is not booked. */
static bool may_be_compressed(const struct output *o)
{
    return o->unpacked && (o->booked || o->file.inode == 0);
}

/* Takes the oldest plain file of the output whose turn it is, if there is one. */
static int look_at_next(struct output_upkeep *u, const struct output_table *outputs,
                        struct error *error)
{
    if (u->next >= outputs->count)
        u->next = 0;
    struct output *o = outputs->items[u->next];
    if (may_be_compressed(o)) {
        const struct rotation *rotation = &o->shared->rotation;
        int number = rotated_find_plain(o->path, rotation->max_files, error);
        if (number > 0)
            number =
                output_compressor_new(&u->compressor, o->path, rotation, (unsigned)number, error);
        if (number < 0 || u->compressor)
            return number;
        o->unpacked = false;
    }
    u->next++;
    u->left--;
    return 0;
}

static int step(struct output_upkeep *u, const struct output_table *outputs, struct error *error)
{
    if (u->compressor) {
        int r = output_compressor_step(u->compressor, error);
        if (r == COMPRESS_DONE)
            u->compressor = output_compressor_free(u->compressor);
        return r < 0 ? r : 0;
    }
    int r = 0;
    if (u->left > outputs->count)
        u->left = outputs->count;
    for (int i = 0; i < UPKEEP_LOOKS_MAX && r == 0 && u->left && !u->compressor; i++)
        r = look_at_next(u, outputs, error);
    return r;
}

bool output_upkeep_unfinished(const struct output_upkeep *u, int64_t now_ns)
{
    return (u->compressor || u->left) && now_ns >= u->paused_until_ns;
}

int64_t output_upkeep_step(struct output_upkeep *u, const struct output_table *outputs,
                           int64_t now_ns)
{
    struct error error = {""};
    if (now_ns >= u->paused_until_ns && step(u, outputs, &error) < 0)
        give_up(u, now_ns, &error);
    if (!u->compressor && u->left == 0)
        return INT64_MAX;
    return now_ns >= u->paused_until_ns ? now_ns : u->paused_until_ns;
}
