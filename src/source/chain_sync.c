// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "source/chain_private.h"
#include "source/descriptors.h"
#include "source/fingerprint.h"

/* Docker renames one file after the other, so amid a rotation a number is missing for a moment: it
 * is believed to be once so many looks in a row have found it so. */
enum { SKIP_LOOKS = 4 };

/* What one look works with. */
struct sync {
    struct chain *chain;
    struct scan scan;
    uint64_t *serials;                /* of each file's element; 0: none */
    struct fingerprint *fingerprints; /* of the files that no element had by inode */
    int probed_fd;                    /* of the one that was opened last for it; owned, or -1 */
    size_t probed;                    /* … which is this one */
    int created;                      /* as chain_sync(), with what is owed of failed looks */
    bool counted;                     /* … and they are, in the chain */
    bool changed;
};

static struct chain_element *element_of(const struct chain *c, uint64_t serial)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->elements[i].segment->serial == serial)
            return &c->elements[i];
    return NULL;
}

static bool is_taken(const struct sync *s, uint64_t serial)
{
    for (size_t i = 0; i < s->scan.count; i++)
        if (s->serials[i] == serial)
            return true;
    return false;
}

/* By device, inode and birth: the file itself, or the .gz that was made of it. */
static void match_by_file(struct sync *s)
{
    for (size_t i = 0; i < s->scan.count; i++) {
        for (size_t k = s->chain->count; k > 0 && !s->serials[i]; k--) {
            const struct chain_element *e = &s->chain->elements[k - 1];
            if (!atomic_load(&e->segment->cut) &&
                (file_id_equal(e->segment->file, s->scan.files[i].file) ||
                 file_id_equal(e->compressed, s->scan.files[i].file)))
                s->serials[i] = e->segment->serial;
        }
    }
}

/* The serials between which file `i` must lie, by its neighbours that are known. */
static void bounds(const struct sync *s, size_t i, uint64_t *ret_low, uint64_t *ret_high)
{
    *ret_low = 0;
    *ret_high = UINT64_MAX;
    for (size_t k = 0; k < i; k++)
        if (s->serials[k])
            *ret_low = s->serials[k];
    for (size_t k = s->scan.count; k > i + 1; k--)
        if (s->serials[k - 1])
            *ret_high = s->serials[k - 1];
}

/* -ESTALE where it was rotated or removed since the scan: the next look sees how it is then. */
static int open_file(const struct chain *c, const struct scan_file *f, int *ret_fd)
{
    char path[PATH_MAX];
    CLEANUP(close_fd) int fd = -1;
    struct file_id file;
    uint64_t size;
    unsigned links;
    int r = home_path(c->home, f->name, path, sizeof(path));
    if (r == 0)
        r = descriptors_open(path, &fd);
    if (r == 0)
        r = scan_identify(fd, &file, &size, &links);
    if (r < 0)
        return r == -ENOENT ? -ESTALE : r;
    if (!file_id_equal(file, f->file))
        return -ESTALE;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Most sources have one file, which has just been looked into. */
static int open_probed(struct sync *s, size_t i, int *ret_fd)
{
    if (s->probed_fd < 0 || s->probed != i)
        return open_file(s->chain, &s->scan.files[i], ret_fd);
    *ret_fd = TAKE_FD(s->probed_fd);
    return 0;
}

/* The fingerprint of a file that is not (yet) an element. {0} where it has no whole record. */
static int fingerprint_file(struct sync *s, size_t i, struct fingerprint *ret)
{
    const struct scan_file *f = &s->scan.files[i];
    CLEANUP(close_fd) int fd = -1;
    s->probed_fd = close_fd(s->probed_fd);
    int r = open_file(s->chain, f, &fd);
    if (r < 0)
        return r;
    struct segment_options options = {.ref.file = f->file,
                                      .format = s->chain->format,
                                      .gzip = f->gzip,
                                      .named = true,
                                      .fd = fd,
                                      .home = s->chain->home};
    CLEANUP(segment_unref) struct segment *probe = NULL;
    r = segment_new(&probe, &options);
    if (r < 0)
        return r;
    TAKE_FD(fd);
    *ret = (struct fingerprint){0};
    r = fingerprint_read(s->chain->tools->reader, probe, s->chain->tools->scratch, ret);
    reader_forget(s->chain->tools->reader, probe);
    s->probed_fd = segment_take_fd(probe);
    s->probed = i;
    return r < 0 ? r : 0;
}

static bool is_ignored(const struct chain *c, struct file_id file)
{
    for (size_t i = 0; c->ignored && i < CHAIN_IGNORED_MAX; i++)
        if (file_id_equal(c->ignored[i], file))
            return true;
    return false;
}

static void ignore(struct chain *c, struct file_id file)
{
    if (!c->ignored)
        c->ignored = calloc(CHAIN_IGNORED_MAX, sizeof(*c->ignored));
    if (c->ignored)
        c->ignored[c->ignored_next++ % CHAIN_IGNORED_MAX] = file;
}

/* Docker keeps generations without gaps: which element file `i` is, counted back from the next file
 * that is known; NULL where none is. */
static struct chain_element *by_distance(const struct sync *s, size_t i)
{
    size_t next = i + 1;
    while (next < s->scan.count && !s->serials[next])
        next++;
    size_t distance = next - i;
    for (size_t k = s->chain->count; next < s->scan.count && k > 0; k--) {
        struct chain_element *e = &s->chain->elements[k - 1];
        if (e->segment->serial < s->serials[next] && !e->segment->hole && --distance == 0)
            return e;
    }
    return NULL;
}

/* The element within the bounds that has this fingerprint and no file yet. Several may have it (the
 * chunks of one long line may begin several segments): then the order decides, else it is the
 * oldest, and ambiguous. */
static struct chain_element *match_by_fingerprint(const struct sync *s, size_t i,
                                                  struct fingerprint f)
{
    uint64_t low, high;
    struct chain_element *oldest = NULL, *newest = NULL, *in_order = by_distance(s, i);
    bounds(s, i, &low, &high);
    for (size_t k = 0; fingerprint_known(f) && k < s->chain->count; k++) {
        struct chain_element *e = &s->chain->elements[k];
        uint64_t serial = e->segment->serial;
        if (serial <= low || serial >= high || e->segment->hole || atomic_load(&e->segment->cut) ||
            is_taken(s, serial) || !fingerprint_equal(segment_name(e->segment).fingerprint, f))
            continue;
        bool both_live = s->scan.files[i].number == 0 && !atomic_load(&e->segment->sealed);
        if (e == in_order || both_live)
            return e;
        oldest = oldest ? oldest : e;
        newest = e;
    }
    if (oldest)
        oldest->ambiguous = oldest != newest;
    return oldest;
}

/* Its own file, under whichever name: held again, as what is unread should be. */
static int hold(struct sync *s, struct chain_element *e)
{
    int fd;
    if (!atomic_exchange(&e->segment->named, true))
        e->dirty = s->changed = true;
    int r = segment_acquire(e->segment, &fd);
    if (r)
        return r < 0 ? r : -ESTALE;
    segment_release(e->segment);
    if (pin_segment(s->chain->tools->pins, e->segment) < 0)
        e->dirty = true; /* its descriptor keeps it */
    return 0;
}

/* Readable as it is. What only a descriptor keeps because it could not be linked may be linked now.
 */
static bool is_held(const struct sync *s, const struct chain_element *e)
{
    return segment_has_pin(e->segment) ||
           (segment_is_open(e->segment) && pin_segment(s->chain->tools->pins, e->segment) == 0);
}

/* Makes a known element readable, and its pin sure, through the file that it was found in. */
static int reopen(struct sync *s, struct chain_element *e, size_t i)
{
    const struct scan_file *f = &s->scan.files[i];
    if (e->read || is_held(s, e))
        return 0;
    bool is_open = segment_is_open(e->segment);
    if (file_id_equal(e->segment->file, f->file))
        return is_open ? 0 : hold(s, e);
    if (is_open && !f->gzip)
        return 0; /* a copy of it */
    CLEANUP(close_fd) int fd = -1;
    int r = open_probed(s, i, &fd);
    if (r < 0)
        return r;
    if (is_open && !chain_gzip_is_better(e, fd, f->size))
        return 0;

    struct segment_options options = {
        .ref = segment_name(e->segment),
        .format = s->chain->format,
        .gzip = f->gzip,
        .ambiguous = e->ambiguous,
        .sealed = f->number > 0,
        .named = true,
        .fd = fd,
        .home = s->chain->home,
    };
    options.ref.file = f->file;
    struct segment *again;
    r = segment_new(&again, &options);
    if (r < 0)
        return r;
    TAKE_FD(fd);
    segment_unref(e->segment);
    e->segment = again;
    e->dirty = s->changed = true;
    return pin_segment(s->chain->tools->pins, again);
}

/* A generation that was not known: the newest, or (after a loss of our state) one before all known.
 */
static int add_generation(struct sync *s, size_t i, struct fingerprint fingerprint, uint64_t serial)
{
    const struct scan_file *f = &s->scan.files[i];
    bool unreadable = f->gzip && !fingerprint_known(fingerprint);
    CLEANUP(close_fd) int fd = -1;
    int r = unreadable ? 0 : open_probed(s, i, &fd);
    if (r < 0)
        return r;

    struct segment_options options = {
        .ref = {.serial = serial, .fingerprint = fingerprint, .file = f->file},
        .format = s->chain->format,
        .gzip = f->gzip,
        .hole = unreadable,
        .reason = f->size ? GAP_GZIP : GAP_EMPTY_ROTATION,
        .bytes = GAP_BYTES_UNKNOWN,
        .sealed = f->number > 0,
        .named = true,
        .fd = fd,
        .home = s->chain->home,
    };
    struct chain_element *e;
    r = chain_add(s->chain, &options, &e);
    if (r < 0)
        return r;
    TAKE_FD(fd);
    s->serials[i] = serial;
    s->changed = true;
    if (!unreadable && pin_segment(s->chain->tools->pins, e->segment) < 0)
        e->dirty = true; /* its descriptor keeps it */
    return 0;
}

/* Files that no element has by inode: the .gz of one, or one that was restored from elsewhere. */
static int match_by_content(struct sync *s)
{
    for (size_t i = 0; i < s->scan.count; i++) {
        const struct scan_file *f = &s->scan.files[i];
        if (s->serials[i] || is_ignored(s->chain, f->file))
            continue;
        int r = fingerprint_file(s, i, &s->fingerprints[i]);
        if (r < 0)
            return r;
        struct chain_element *e = match_by_fingerprint(s, i, s->fingerprints[i]);
        if (!e)
            continue;
        s->serials[i] = e->segment->serial;
        if (f->gzip)
            e->compressed = f->file;
    }
    return 0;
}

/* The serial of a file that lies before all that is known, by how many such files follow it; 0
 * where there is no such serial. */
static uint64_t serial_before_known(const struct sync *s, size_t i, uint64_t low, uint64_t high)
{
    size_t next = i + 1;
    while (s->serials[next] == 0)
        next++;
    uint64_t distance = next - i;
    if (high <= low + distance || element_of(s->chain, high - distance))
        return 0;
    return high - distance;
}

static int put_hole(struct chain *c, uint64_t serial, enum gap_reason reason, int64_t bytes)
{
    struct segment_options options = {
        .ref.serial = serial,
        .format = c->format,
        .hole = true,
        .sealed = true,
        .reason = reason,
        .bytes = bytes,
        .fd = -1,
    };
    struct chain_element *e;
    return chain_add(c, &options, &e);
}

/* Behind all there is. A hole that stands last already says all that another would: no cursor
 * passes it before something follows. */
static int add_hole(struct sync *s, enum gap_reason reason)
{
    struct chain *c = s->chain;
    if (c->count && c->elements[c->count - 1].segment->hole)
        return 0;
    return put_hole(c, c->next_serial, reason, GAP_BYTES_UNKNOWN);
}

/* Is a number missing between file `i` and the one before it? Docker leaves none out, unless it
 * died before it had compressed one, and wrote over it. */
static bool skips_number(const struct sync *s, size_t i)
{
    return i > 0 && s->scan.files[i - 1].number != s->scan.files[i].number + 1;
}

/* Is a number missing among the new files that may be there in a moment? */
static bool is_amid_rotation(const struct sync *s)
{
    bool skips = false;
    for (size_t i = s->scan.count; i > 0 && !s->serials[i - 1]; i--)
        skips |= skips_number(s, i - 1);
    if (!skips || s->created != CHAIN_CREATED_UNKNOWN || s->chain->skip_looks == SKIP_LOOKS - 1) {
        s->chain->skip_looks = 0;
        return false;
    }
    s->chain->skip_looks++;
    return true;
}

/* A file that is of no element: another generation, or none of Docker's. Once the chain has been
 * looked at, only newer ones can come: what lies between or before is somebody's copy. */
static int place_file(struct sync *s, size_t i)
{
    uint64_t low, high;
    bounds(s, i, &low, &high);
    if (high == UINT64_MAX) {
        int r = s->created == CHAIN_CREATED_UNKNOWN && skips_number(s, i) ? add_hole(s, GAP_ROTATED)
                                                                          : 0;
        return r < 0 ? r : add_generation(s, i, s->fingerprints[i], s->chain->next_serial);
    }

    uint64_t serial = s->chain->looked ? 0 : serial_before_known(s, i, low, high);
    if (serial)
        return add_generation(s, i, s->fingerprints[i], serial);
    ignore(s->chain, s->scan.files[i].file);
    return 0;
}

/* Is the newest generation we knew, the one that was live, no longer where files are? */
static bool lost_sight(const struct sync *s)
{
    for (size_t k = s->chain->count; k > 0; k--) {
        const struct chain_element *e = &s->chain->elements[k - 1];
        if (e->segment->hole || atomic_load(&e->segment->cut))
            continue;
        return !is_taken(s, e->segment->serial);
    }
    return false;
}

static bool live_changed(const struct sync *s)
{
    for (size_t k = 0; k < s->chain->count; k++)
        if (s->chain->elements[k].live)
            return s->scan.count == 0 ||
                   s->serials[s->scan.count - 1] != s->chain->elements[k].segment->serial ||
                   s->scan.files[s->scan.count - 1].number != 0;
    return true;
}

/* Each serial stands for something. One that is missing after a restart is a hole that was not
 * booked in time: its successors are known by their pins, which come before the commit. */
static int note_missing(struct sync *s)
{
    struct chain *c = s->chain;
    for (size_t i = 1; !c->looked && i < c->count; i++) {
        uint64_t serial = c->elements[i].segment->serial;
        if (serial == c->elements[i - 1].segment->serial + 1)
            continue;
        int r = put_hole(c, serial - 1, GAP_ROTATED, GAP_BYTES_UNKNOWN);
        if (r < 0)
            return r;
        s->changed = true;
        i++;
    }
    return 0;
}

/* How many generations among the files are new, without adding them. */
static int count_new(const struct sync *s)
{
    int count = 0;
    for (size_t i = s->scan.count; i > 0 && !s->serials[i - 1]; i--)
        count++;
    return count;
}

/* Do we hold the file that was live when Docker removed it? The newest that is known had no
 * successor where it is smaller than what Docker lets a file grow to; and we hold all that was
 * written into it, for a pin is that very file. */
static bool holds_the_last(const struct chain *c)
{
    const struct chain_element *e = c->count ? &c->elements[c->count - 1] : NULL;
    if (!e || e->segment->hole || atomic_load(&e->segment->cut) || e->segment->gzip)
        return false;
    int64_t size = segment_size(e->segment);
    return size >= 0 && (c->rotation_bytes < 0 || size < c->rotation_bytes);
}

/* Neither a pin nor a descriptor leads to it. What was cut says so itself. */
static bool is_lost(const struct chain_element *e)
{
    return !e->segment->hole && !atomic_load(&e->segment->cut) && !segment_has_pin(e->segment) &&
           !segment_is_open(e->segment);
}

/* The container was removed while nobody looked. Where it had no file when it was seen last, it may
 * have been started since. */
static int note_removed(struct sync *s)
{
    struct chain *c = s->chain;
    for (size_t i = 0; i < c->count; i++) {
        if (!is_lost(&c->elements[i]))
            continue;
        int r = chain_lose(c, &c->elements[i], GAP_REMOVED, GAP_BYTES_UNKNOWN);
        if (r < 0)
            return r;
        s->changed = true;
    }
    bool was_there = c->count || c->known;
    return was_there && !holds_the_last(c) ? add_hole(s, GAP_REMOVED) : 0;
}

/* Generations came and went between two looks: a hole before those that are left. */
static int note_unseen(struct sync *s)
{
    struct chain *c = s->chain;
    int appeared = count_new(s);

    s->counted = true;
    if (s->created == CHAIN_CREATED_UNKNOWN) {
        c->seen_minus_created = 0;
        if (c->gone)
            return note_removed(s);
        return appeared && lost_sight(s) ? add_hole(s, GAP_ROTATED) : 0;
    }
    c->seen_minus_created += appeared - s->created;
    if (!live_changed(s)) {
        c->seen_minus_created = 0;
        return 0;
    }
    if (c->seen_minus_created >= 0)
        return 0;
    c->seen_minus_created = 0;
    return add_hole(s, GAP_ROTATED);
}

/* Is file `i` a copy of what the element holds, which is still there to be read? */
static bool is_copy(const struct sync *s, size_t i, const struct chain_element *e)
{
    bool held = e->read || segment_has_pin(e->segment) || segment_is_open(e->segment);
    return held && !e->segment->hole && !s->scan.files[i].gzip &&
           !file_id_equal(e->segment->file, s->scan.files[i].file);
}

/* The copy is Docker's file from now on: a generation of its own. */
static int take_over(struct sync *s)
{
    struct chain *c = s->chain;
    int r = put_hole(c, c->next_serial, GAP_REWRITTEN, 0);
    struct chain_element *e = NULL;
    if (r == 0)
        r = chain_take_copy(c, &e);
    if (r < 0)
        return r;
    for (size_t i = 0; i < s->scan.count; i++)
        if (file_id_equal(s->scan.files[i].file, e->segment->file))
            s->serials[i] = e->segment->serial;
    s->changed = true;
    return 0;
}

/* What was put in the live file's place is held from when it is seen, since it may be rotated or
 * removed between the look in which it is still a copy and the next. */
static int hold_copy(struct sync *s, size_t i)
{
    struct chain *c = s->chain;
    const struct scan_file *f = &s->scan.files[i];
    const struct chain_element *e = element_of(c, s->serials[i]);
    if (f->number == 0 && file_id_equal(e->segment->file, f->file))
        c->copy = segment_unref(c->copy); /* the file itself is back */
    if (!is_copy(s, i, e) || (c->copy && file_id_equal(c->copy->file, f->file)))
        return 0;
    CLEANUP(close_fd) int fd = -1;
    int r = open_probed(s, i, &fd);
    if (r == 0)
        r = chain_hold_copy(c, f->file, s->fingerprints[i], fd);
    if (r == 0)
        TAKE_FD(fd);
    return r;
}

static int look_at_copy(struct sync *s)
{
    size_t newest = s->scan.count; /* of those that are known; behind them come new ones */
    while (newest > 0 && !s->serials[newest - 1])
        newest--;
    int r = newest > 0 ? hold_copy(s, newest - 1) : 0;
    if (r < 0 || !s->chain->copy)
        return r;
    r = chain_copy_goes_on(s->chain);
    return r > 0 ? take_over(s) : r;
}

/* Docker's last name for it is gone: its size is final, and counts against the quota. */
static void note_let_go(struct chain_element *e)
{
    int64_t size = segment_size(e->segment);
    e->let_go_ns = clock_now_ns();
    if (size >= 0)
        e->size = (uint64_t)size;
}

/* Sets what the names tell of each element. */
static void apply_names(struct sync *s)
{
    for (size_t k = 0; k < s->chain->count; k++) {
        struct chain_element *e = &s->chain->elements[k];
        bool named = false, live = false;
        for (size_t i = 0; i < s->scan.count; i++) {
            if (s->serials[i] != e->segment->serial)
                continue;
            named = true;
            live = s->scan.files[i].number == 0;
            if (file_id_equal(e->segment->file, s->scan.files[i].file))
                e->size = s->scan.files[i].size;
        }
        bool sealed = !live;
        bool was_named = atomic_exchange(&e->segment->named, named);
        if (atomic_load(&e->segment->sealed) != sealed || was_named != named)
            e->dirty = s->changed = true;
        if (was_named && !named)
            note_let_go(e);
        atomic_store_explicit(&e->segment->sealed, sealed, memory_order_release);
        e->live = live;
    }
}

/* What was matched by its inode after a restart has no descriptor yet. */
static int open_matched(struct sync *s)
{
    for (size_t i = 0; i < s->scan.count; i++) {
        struct chain_element *e = s->serials[i] ? element_of(s->chain, s->serials[i]) : NULL;
        if (!e || e->segment->hole)
            continue;
        int r = reopen(s, e, i);
        if (r < 0)
            return r;
    }
    return 0;
}

static int place_files(struct sync *s)
{
    for (size_t i = 0; i < s->scan.count; i++) {
        if (s->serials[i] || is_ignored(s->chain, s->scan.files[i].file))
            continue;
        int r = place_file(s, i);
        if (r < 0)
            return r;
    }
    return 0;
}

static int look(struct sync *s)
{
    struct chain *c = s->chain;
    int r = home_scan(c->home, &s->scan);
    if (r == -ENOENT || r == -ENOTDIR) {
        s->changed |= !c->gone;
        c->gone = true;
        r = 0;
    }
    if (r < 0)
        return r;
    /* Once a file is a .gz, nothing else tells which one it was. Behind the scan: what it found as
     * one was whole before. */
    chain_learn(c);
    s->serials = calloc(s->scan.count + 1, sizeof(*s->serials));
    s->fingerprints = calloc(s->scan.count + 1, sizeof(*s->fingerprints));
    if (!s->serials || !s->fingerprints)
        return -ENOMEM;

    match_by_file(s);
    r = match_by_content(s);
    if (r == 0 && is_amid_rotation(s))
        r = -ESTALE;
    if (r == 0)
        r = note_unseen(s);
    if (r == 0)
        r = look_at_copy(s);
    if (r == 0)
        r = place_files(s);
    if (r == 0)
        r = note_missing(s);
    if (r == 0)
        r = open_matched(s);
    if (r < 0)
        return r;
    apply_names(s);
    c->looked = true;
    return 0;
}

static int add_created(int a, int b)
{
    bool known = a != CHAIN_CREATED_UNKNOWN && b != CHAIN_CREATED_UNKNOWN;
    return known ? a + b : CHAIN_CREATED_UNKNOWN;
}

/* After a look that failed: what it has not counted, and what it has counted but not added, since
 * the next look sees that as new once more. */
static void keep_count(struct sync *s)
{
    if (!s->counted || s->created == CHAIN_CREATED_UNKNOWN)
        s->chain->created_owed = s->created;
    else
        s->chain->seen_minus_created -= count_new(s);
}

int chain_sync(struct chain *c, int created, bool *ret_changed, struct error *error)
{
    struct sync s = {.chain = c, .created = add_created(c->created_owed, created), .probed_fd = -1};
    c->created_owed = 0;
    int r = look(&s);
    if (r < 0)
        keep_count(&s);
    while (r == 0 && c->count > SEGMENTS_MAX && chain_give_up(c, GAP_PIN_QUOTA))
        s.changed = true;
    if (descriptors_relieve(r))
        r = -ESTALE; /* there is room now: as after a rotation, the next look will do */
    *ret_changed = s.changed;
    scan_deinit(&s.scan);
    close_fd(s.probed_fd);
    free(s.serials);
    free(s.fingerprints);
    if (r < 0) {
        char directory[PATH_MAX];
        chain_directory(c, directory);
        return error_set(error, r, "%s: %s", directory, strerror(-r));
    }
    return 0;
}
