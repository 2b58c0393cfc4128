// SPDX-License-Identifier: Apache-2.0
#include "world_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/check.h"

enum { PACKED_BYTES_MAX = 64 * 1024 * 1024 };

void rotation_path(const struct simulated *c, int number, bool packed, char *to)
{
    char end[32] = "", json_file[CONTAINER_ID_SIZE + sizeof("-json.log")];
    snprintf(json_file, sizeof(json_file), "%s-json.log", c->id);
    const char *const names[DRIVER_COUNT] = {json_file, LOCAL_DIRECTORY "/container.log",
                                             "container-cached.log"};
    if (number > 0)
        snprintf(end, sizeof(end), ".%d%s", number, packed ? ".gz" : "");
    snprintf(to, ROTATION_PATH_MAX, "%s/%s%s", c->directory, names[c->driver], end);
}

bool rotation_due(const struct simulated *c)
{
    return c->max_size && c->counter >= c->max_size;
}

/* A name of this generation is gone. */
static void let_go(const struct world *w, struct simulated *c, int *name)
{
    if (*name < 0)
        return;
    struct generation *g = &c->history.generations[*name];
    *name = -1;
    CHECK(g->names > 0);
    if (--g->names > 0)
        return;
    if (g->seen)
        g->only_descriptor = true;
    else
        g->may_be_lost |= LOSS(GAP_ROTATED) | LOSS(GAP_REMOVED) |
                          (g->half_packed ? LOSS(GAP_GZIP) : 0) |
                          (c->seen && !w->midway && (w->watched || !history_misleads(&c->history))
                               ? 0
                               : LOSS_UNKNOWN);
}

void rotation_open(struct world *w, struct simulated *c, bool append)
{
    char path[ROTATION_PATH_MAX];
    struct stat st;
    rotation_path(c, 0, false, path);
    c->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (append ? 0 : O_TRUNC), 0640);
    FAILS_NEVER(c->fd);
    FAILS_NEVER(fstat(c->fd, &st));
    c->append = append;
    c->size = c->offset = c->counter = (uint64_t)st.st_size;
    if (c->names.live < 0) {
        c->names.live = (int)history_add_generation(&c->history);
        c->history.generations[c->names.live].names = 1;
        c->junk_nul = c->junk_torn = false;
    }
}

static void unlink_member(const struct world *w, struct simulated *c, int number, bool packed)
{
    char path[ROTATION_PATH_MAX];
    rotation_path(c, number, packed, path);
    if (unlink(path) < 0)
        return;
    let_go(w, c,
           number == 0 ? &c->names.live
           : packed    ? &c->names.packed[number]
                       : &c->names.plain[number]);
}

static void rename_member(const struct world *w, struct simulated *c, int from, int to, bool packed)
{
    char old[ROTATION_PATH_MAX], new[ROTATION_PATH_MAX];
    rotation_path(c, from, packed, old);
    rotation_path(c, to, packed, new);
    if (rename(old, new) < 0)
        return;
    int *source = from == 0 ? &c->names.live
                  : packed  ? &c->names.packed[from]
                            : &c->names.plain[from];
    int *target = packed ? &c->names.packed[to] : &c->names.plain[to];
    let_go(w, c, target);
    *target = *source;
    *source = -1;
}

static void shift(struct world *w, struct simulated *c)
{
    if (c->max_file < 2) {
        if (c->unlinks_only)
            unlink_member(w, c, 0, false);
        else
            rename_member(w, c, 0, 1, false);
        return;
    }
    unlink_member(w, c, c->max_file - 1, c->compress);
    for (int i = c->max_file - 1; i > 1; i--) {
        world_between(w);
        rename_member(w, c, i - 1, i, c->compress);
    }
    world_between(w);
    rename_member(w, c, 0, 1, false);
}

static void pack_bytes(struct simulated *c, struct span text)
{
    static const char head[] =
        "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x23\0{\"lastTime\":\"0001-01-01T00:00:00Z\"}";
    z_stream z = {0};
    c->packed = BUF_INIT(PACKED_BYTES_MAX);
    buf_append(&c->packed, (struct span){head, sizeof(head) - 1});
    CHECK(deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t bound = deflateBound(&z, text.size);
    z.next_in = (Bytef *)text.data;
    z.avail_in = (uInt)text.size;
    z.next_out = (Bytef *)buf_reserve(&c->packed, bound);
    z.avail_out = (uInt)bound;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    c->packed.size += z.total_out;
    deflateEnd(&z);
    uint32_t trailer[] = {(uint32_t)crc32(0, (const Bytef *)text.data, (uInt)text.size),
                          (uint32_t)text.size};
    buf_append(&c->packed, (struct span){(const char *)trailer, sizeof(trailer)});
    CHECK(!c->packed.failed);
}

static void read_file(const char *path, struct buf *to)
{
    struct stat st;
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    FAILS_NEVER(fd);
    FAILS_NEVER(fstat(fd, &st));
    char *room = buf_reserve(to, (size_t)st.st_size);
    CHECK(room && read(fd, room, (size_t)st.st_size) == st.st_size);
    to->size = (size_t)st.st_size;
}

static void write_packed(struct simulated *c, size_t until)
{
    char path[ROTATION_PATH_MAX];
    rotation_path(c, 1, true, path);
    CLEANUP(close_fd)
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (c->packed_written ? 0 : O_TRUNC), 0640);
    FAILS_NEVER(fd);
    FAILS_NEVER(pwrite(fd, c->packed.data + c->packed_written, until - c->packed_written,
                       (off_t)c->packed_written));
    c->packed_written = until;
}

static void begin_packing(struct simulated *c)
{
    char path[ROTATION_PATH_MAX];
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(PACKED_BYTES_MAX);
    rotation_path(c, 1, false, path);
    read_file(path, &text);
    pack_bytes(c, buf_span(&text));
    c->packing = true;
    c->packed_written = 0;
    struct generation *g = &c->history.generations[c->names.plain[1]];
    if (g->records == 0) {
        c->history.excuses[GAP_GZIP]++; /* without a record nobody can tell which it is … */
        c->history.excuses[GAP_EMPTY_ROTATION]++;
        g->may_be_lost |= LOSS(GAP_GZIP); /* … nor, where the first look finds a .gz, its bytes */
    }
}

void rotation_pack(struct world *w, struct simulated *c)
{
    if (!c->packing)
        return;
    if (c->packed_written < c->packed.size) {
        size_t left = c->packed.size - c->packed_written;
        write_packed(c, c->packed_written + 1 + random_below(&w->random, left));
        world_trace(w, c, "packs .1.gz, %zu of %zu bytes", c->packed_written, c->packed.size);
        if (c->packed_written < c->packed.size)
            return;
        let_go(w, c, &c->names.packed[1]);
        c->names.packed[1] = c->names.plain[1];
        c->history.generations[c->names.plain[1]].names++;
        return;
    }
    world_trace(w, c, "unlinks .1");
    unlink_member(w, c, 1, false);
    buf_deinit(&c->packed);
    c->packing = false;
}

/* .1.gz will never be whole. Where a look finds it alone, nobody can tell what it is. */
static void stop_packing(struct simulated *c)
{
    bool unfinished = c->packing && c->packed_written < c->packed.size;
    buf_deinit(&c->packed);
    c->packing = false;
    if (!unfinished)
        return;
    c->history.excuses[GAP_GZIP]++;
    c->history.excuses[GAP_EMPTY_ROTATION]++;
    if (c->names.plain[1] >= 0) /* what is left of it may soon be all there is of it */
        c->history.generations[c->names.plain[1]].half_packed = true;
}

void rotation_abandon(struct world *w, struct simulated *c)
{
    if (!c->packing || c->packed_written == c->packed.size)
        return;
    world_trace(w, c, "loses its dockerd: .1.gz stays unfinished beside .1");
    stop_packing(c);
}

void rotation_rotate(struct world *w, struct simulated *c)
{
    while (c->packing) {
        rotation_pack(w, c);
        world_between(w);
    }
    world_trace(w, c, "rotates, %llu bytes", (unsigned long long)c->size);
    c->fd = close_fd(c->fd);
    if (w->midway) /* one look sees what two should have: the events that come later tell of more */
        c->history.excuses[GAP_ROTATED]++;
    world_between(w);
    shift(w, c);
    world_between(w);
    rotation_open(w, c, false);
    if (c->compress && c->max_file > 1)
        begin_packing(c);
}

/* The live file goes before the one that was rotated last, and a look may come between that has
 * seen neither: it knows how many are missing, but takes all of them for older than what it finds.
 */
static void confuse(struct simulated *c)
{
    struct generation *generations = c->history.generations;
    int live = c->names.live, rotated = c->names.plain[1];
    if (live >= 0 && rotated >= 0 && !generations[live].seen && !generations[rotated].seen)
        generations[live].may_be_lost |= LOSS_UNKNOWN;
}

void rotation_remove(struct world *w, struct simulated *c)
{
    int order[1 + 2 * WORLD_FILES_MAX];
    for (int i = 0; i < (int)ARRAY_SIZE(order); i++) {
        int k = (int)random_below(&w->random, (uint64_t)i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    stop_packing(c);
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        int number = order[i] / 2;
        if (order[i] == 1)
            continue;
        if (number == 0)
            confuse(c);
        unlink_member(w, c, number, order[i] % 2);
        if (random_chance(&w->random, 20))
            world_between(w);
    }
}
