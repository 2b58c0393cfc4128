// SPDX-License-Identifier: Apache-2.0
#include "cli/extent.h"

#include <errno.h>
#include <fcntl.h>

#include "cli/log_find.h"
#include "source/fingerprint.h"
#include "source/scan.h"

/* The segments that are known of one source. */
struct known_refs {
    struct segment_ref *items;
    size_t count;
};

struct measuring {
    const struct extent_tools *tools;
    const char *directory;
    enum record_format format;
    struct known_refs known;
    struct scan scan;
    struct extent *extent;
};

void extent_deinit(struct extent *e)
{
    free(e->pieces);
    *e = (struct extent){0};
}

static int add_known(struct known_refs *known, const struct segment_ref *ref)
{
    void *items = reallocarray(known->items, known->count + 1, sizeof(*known->items));
    if (!items)
        return -ENOMEM;
    known->items = items;
    known->items[known->count++] = *ref;
    return 0;
}

static int add_row(void *context, const struct segment_row *row)
{
    return row->hole || row->cut ? 0 : add_known(context, &row->ref);
}

static int open_scanned(const struct measuring *m, const struct scan_file *f)
{
    char path[PATH_BYTES_MAX + SCAN_NAME_MAX];
    snprintf(path, sizeof(path), "%s/%s", m->directory, f->name);
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* RFC 1952: the last four bytes, little-endian, are the size of the plain text modulo 2^32. Deflate
 * packs at most 1032 to 1: what claims more is no whole member. */
static uint64_t plain_size(int fd, uint64_t size)
{
    unsigned char t[4];
    if (size < sizeof(t) || pread(fd, t, sizeof(t), (off_t)(size - sizeof(t))) != sizeof(t))
        return size;
    uint64_t plain = t[0] | t[1] << 8 | t[2] << 16 | (uint64_t)t[3] << 24;
    return plain <= 1032 * size ? plain : size;
}

static struct fingerprint fingerprint_at(const struct measuring *m, const struct scan_file *f)
{
    struct fingerprint found = {0};
    int fd = open_scanned(m, f);
    struct segment_options options = {
        .ref.file = f->file, .format = m->format, .gzip = f->gzip, .fd = fd};
    CLEANUP(segment_unref) struct segment *segment = NULL;
    if (fd < 0 || segment_new(&segment, &options) < 0) {
        close_fd(fd);
        return found;
    }
    if (fingerprint_read(m->tools->reader, segment, m->tools->scratch, &found) != 0)
        found = (struct fingerprint){0};
    reader_forget(m->tools->reader, segment);
    return found;
}

/* The serial of a file; 0 where nobody knows it. The newest of several: an inode may have held more
 * than one. */
static uint64_t serial_of(const struct measuring *m, const struct scan_file *f)
{
    uint64_t serial = 0;
    for (size_t i = 0; i < m->known.count; i++)
        if (file_id_equal(m->known.items[i].file, f->file) && m->known.items[i].serial > serial)
            serial = m->known.items[i].serial;
    if (serial || m->known.count == 0)
        return serial;

    struct fingerprint found = fingerprint_at(m, f);
    for (size_t i = 0; fingerprint_known(found) && i < m->known.count; i++)
        if (fingerprint_equal(m->known.items[i].fingerprint, found))
            return m->known.items[i].serial;
    return 0;
}

static struct extent_piece *piece_of(struct extent *e, uint64_t serial)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->pieces[i].serial == serial)
            return &e->pieces[i];
    return NULL;
}

const struct extent_piece *extent_find(const struct extent *e, uint64_t serial)
{
    return piece_of((struct extent *)e, serial);
}

static uint64_t highest_known(const struct known_refs *known)
{
    uint64_t highest = 0;
    for (size_t i = 0; i < known->count; i++)
        if (known->items[i].serial > highest)
            highest = known->items[i].serial;
    return highest;
}

static void measure_files(struct measuring *m)
{
    uint64_t next = highest_known(&m->known) + 1;
    size_t newest_known = 0;
    for (size_t i = 0; i < m->scan.count; i++) {
        const struct scan_file *f = &m->scan.files[i];
        struct extent_piece *piece = &m->extent->pieces[i];
        *piece = (struct extent_piece){serial_of(m, f), f->size, true};
        if (piece->serial)
            newest_known = i + 1;
        if (f->gzip) {
            CLEANUP(close_fd) int fd = open_scanned(m, f);
            piece->bytes = fd >= 0 ? plain_size(fd, f->size) : f->size;
        }
        m->extent->size += f->size;
    }
    for (size_t i = newest_known; i < m->scan.count; i++)
        m->extent->pieces[i].serial = next++;
    m->extent->count = m->scan.count;
}

/* A pin holds the plain file, whatever has become of it in Docker's directory. */
static void measure_pins(struct extent *e, const struct pin_entry *pins, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct extent_piece *piece = piece_of(e, pins[i].serial);
        if (!piece)
            piece = &e->pieces[e->count++]; /* there is room for every pin */
        piece->serial = pins[i].serial;
        piece->bytes = pins[i].bytes;
        piece->named |= !pins[i].only_ours;
    }
}

static int measure(struct measuring *m, const char *id, const char *live_name)
{
    size_t pin_count;
    const struct pin_entry *pins = pin_list_of(m->tools->pins, id, &pin_count);
    int r = *live_name ? scan_directory(m->directory, live_name, &m->scan) : 0;
    if (r < 0 && r != -ENOENT)
        return r;
    m->extent->pieces = calloc(m->scan.count + pin_count + 1, sizeof(*m->extent->pieces));
    if (!m->extent->pieces)
        return -ENOMEM;
    measure_files(m);
    measure_pins(m->extent, pins, pin_count);
    return 0;
}

int extent_measure(struct extent *ret, const struct extent_tools *tools, const char *id,
                   const char *live_path, const struct segment_ref *known, size_t known_count,
                   struct error *error)
{
    const char *slash = strrchr(live_path, '/');
    char directory[PATH_BYTES_MAX];
    snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - live_path) : 0, live_path);
    *ret = (struct extent){0};
    const char *live_name = slash ? slash + 1 : "";
    struct measuring m = {.tools = tools,
                          .directory = directory,
                          .format = log_find_format(live_name),
                          .extent = ret};

    struct error book_error = {""};
    int r = 0;
    for (size_t i = 0; r == 0 && i < known_count; i++)
        r = add_known(&m.known, &known[i]);
    if (r == 0 && tools->book)
        r = containers_segments(tools->book, id, add_row, &m.known, &book_error);
    if (r == 0)
        r = measure(&m, id, live_name);
    scan_deinit(&m.scan);
    free(m.known.items);
    if (r < 0) {
        extent_deinit(ret);
        return error_set(error, r, "%.12s: %s", id,
                         book_error.text[0] ? book_error.text : strerror(-r));
    }
    return 0;
}

uint64_t extent_behind(const struct extent *e, const struct cursor *cursor)
{
    uint64_t behind = 0;
    for (size_t i = 0; i < e->count; i++) {
        const struct extent_piece *piece = &e->pieces[i];
        uint64_t passed = 0;
        if (cursor->kind != CURSOR_BEGINNING && piece->serial <= cursor->segment.serial)
            passed = piece->serial == cursor->segment.serial && cursor->kind == CURSOR_AT
                         ? cursor->offset
                         : UINT64_MAX;
        behind += piece->bytes > passed ? piece->bytes - passed : 0;
    }
    return behind;
}
