// SPDX-License-Identifier: Apache-2.0
#include "source/reader.h"

#include <errno.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/limits.h"
#include "source/records.h"

enum { READER_BYTES_MAX = READER_BEFORE_MAX + RECORD_BYTES_MAX };

struct inflating {
    struct inflater inflater;
    struct segment *segment; /* referenced; NULL: free */
    uint64_t used;           /* stamp of the last use: the oldest is taken over */
};

/* A state that no read has asked for during so many others belongs to a source that went away. */
enum { STALE_READS = 64 * 1024 };

struct reader {
    struct buf buffer;
    struct inflating inflating[INFLATERS_MAX];
    struct inflating spare; /* for heads, where all are taken */
    uint64_t stamp;         /* reads that wanted an inflate state */
    size_t record_bytes_max;
};

int reader_new(struct reader **ret)
{
    CLEANUP(reader_free) struct reader *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->buffer = BUF_INIT(READER_BYTES_MAX);
    r->record_bytes_max = RECORD_BYTES_MAX;
    for (size_t i = 0; i < INFLATERS_MAX; i++)
        inflater_init(&r->inflating[i].inflater, READER_BYTES_MAX);
    inflater_init(&r->spare.inflater, READER_BYTES_MAX);
    if (!buf_reserve(&r->buffer, READER_BEFORE_MAX + READ_QUANTUM_BYTES))
        return -ENOMEM;
    *ret = TAKE(r);
    return 0;
}

static void release(struct inflating *state)
{
    inflater_deinit(&state->inflater);
    state->segment = segment_unref(state->segment);
    state->used = 0;
}

struct reader *reader_free(struct reader *r)
{
    if (!r)
        return NULL;
    for (size_t i = 0; i < INFLATERS_MAX; i++)
        release(&r->inflating[i]);
    release(&r->spare);
    buf_deinit(&r->buffer);
    free(r);
    return NULL;
}

void reader_limit_record(struct reader *r, size_t bytes_max)
{
    CHECK(bytes_max >= READ_QUANTUM_BYTES && bytes_max <= RECORD_BYTES_MAX);
    r->record_bytes_max = bytes_max;
}

void reader_forget(struct reader *r, const struct segment *s)
{
    for (size_t i = 0; i < INFLATERS_MAX; i++)
        if (r->inflating[i].segment == s)
            release(&r->inflating[i]);
    if (r->spare.segment == s)
        release(&r->spare);
}

struct reader_before reader_remember(struct span record)
{
    size_t size = record.size < READER_BEFORE_MAX ? record.size : READER_BEFORE_MAX;
    return (struct reader_before){XXH3_64bits(record.data + record.size - size, size), size};
}

static struct inflater *take_over(struct reader *r, struct inflating *state, struct segment *s)
{
    segment_unref(state->segment);
    state->segment = segment_ref(s);
    state->used = r->stamp;
    inflater_restart(&state->inflater);
    return &state->inflater;
}

/* The inflate state that is in this segment, or a free one. Where all are taken, only heads are
 * read, with the spare: who took another's state would send it back to its file's start, and more
 * sources than states would get nowhere, all together. NULL: wait. */
static struct inflater *inflater_for(struct reader *r, struct segment *s, uint64_t offset)
{
    struct inflating *oldest = &r->inflating[0];
    r->stamp++;
    for (size_t i = 0; i < INFLATERS_MAX; i++) {
        struct inflating *state = &r->inflating[i];
        if (state->segment == s) {
            state->used = r->stamp;
            return &state->inflater;
        }
        if (state->used < oldest->used)
            oldest = state;
    }
    if (!oldest->segment || r->stamp - oldest->used > STALE_READS)
        return take_over(r, oldest, s);
    if (offset > FINGERPRINT_SEARCH_MAX)
        return NULL;
    return r->spare.segment == s ? &r->spare.inflater : take_over(r, &r->spare, s);
}

struct piece {
    struct span text; /* from the wanted offset on */
    bool full;        /* as much as was wanted */
    bool damaged;
};

static int read_plain(struct reader *r, int fd, uint64_t offset, size_t want, struct piece *ret)
{
    buf_clear(&r->buffer);
    char *to = buf_reserve(&r->buffer, want);
    if (!to)
        return r->buffer.failed;
    ssize_t n = pread(fd, to, want, (off_t)offset);
    if (n < 0)
        return -errno;
    *ret = (struct piece){.text = {to, (size_t)n}, .full = (size_t)n == want};
    return 0;
}

static int read_gzip(struct reader *r, struct segment *s, int fd, uint64_t offset, size_t want,
                     struct piece *ret)
{
    struct inflater *f = inflater_for(r, s, offset);
    struct span text;
    if (!f)
        return READER_AGAIN;
    int outcome = inflater_read(f, fd, offset, want, &text);
    if (outcome == INFLATER_AGAIN)
        return READER_AGAIN;
    if (outcome < 0)
        return outcome;
    bool full = text.size >= want;
    *ret = (struct piece){{text.data, full ? want : text.size}, full, !full && f->damaged};
    return 0;
}

static int read_piece(struct reader *r, struct segment *s, uint64_t offset, size_t want,
                      struct piece *ret)
{
    int fd;
    int outcome = segment_acquire(s, &fd);
    if (outcome == SEGMENT_GONE)
        return READER_GONE;
    if (outcome < 0)
        return outcome;
    outcome =
        s->gzip ? read_gzip(r, s, fd, offset, want, ret) : read_plain(r, fd, offset, want, ret);
    segment_release(s);
    return outcome;
}

static size_t nuls_of(struct span text)
{
    size_t n = 0;
    while (n < text.size && text.data[n] == '\0')
        n++;
    return n;
}

/* The run of NULs at the start of `text`, bytes; a hole of the file counts as a whole. */
static uint64_t nul_run(struct segment *s, uint64_t offset, struct span text)
{
    size_t n = nuls_of(text);
    int fd;
    if (n < text.size || s->gzip || segment_acquire(s, &fd) != 0)
        return n;

    off_t data = lseek(fd, (off_t)(offset + n), SEEK_DATA);
    if (data < 0 && errno == ENXIO)
        data = lseek(fd, 0, SEEK_END); /* no more data up to the end */
    segment_release(s);
    return data > (off_t)(offset + n) ? (uint64_t)data - offset : n;
}

/* The records in `text`, or why there are none. */
static int records_of(struct segment *s, uint64_t offset, const struct piece *piece,
                      struct reader_result *ret)
{
    struct span text = piece->text;
    size_t whole = records_whole(s->format, text), nuls = nuls_of(text);
    size_t kept = records_nuls_kept(s->format);
    if (whole && nuls < text.size) {
        ret->records = (struct span){text.data, whole};
        ret->more = piece->full;
        return 0;
    }
    if (nuls > kept) {
        ret->bytes = nul_run(s, offset, text) - kept;
        return READER_NUL;
    }
    ret->tail = records_torn(s->format, text);
    ret->tail_is_nul = nuls >= ret->tail;
    ret->records_behind = ret->tail < text.size;
    ret->damaged = piece->damaged;
    return READER_END;
}

/* Takes what stood before the offset off the piece. */
static int check_before(struct piece *piece, const struct reader_before *before)
{
    if (!before->size)
        return 0;
    if (piece->text.size < before->size ||
        XXH3_64bits(piece->text.data, before->size) != before->hash)
        return READER_CHANGED;
    piece->text.data += before->size;
    piece->text.size -= before->size;
    return 0;
}

int reader_read(struct reader *r, struct segment *s, uint64_t offset,
                const struct reader_before *before, struct reader_result *ret)
{
    *ret = (struct reader_result){0};
    uint64_t from = offset - before->size;
    struct piece piece = {0};

    /* A record that is longer than a quantum is read again, alone, as far as one may be long. */
    const size_t quanta[] = {READ_QUANTUM_BYTES, r->record_bytes_max};
    for (size_t i = 0; i < ARRAY_SIZE(quanta); i++) {
        int outcome = read_piece(r, s, from, before->size + quanta[i], &piece);
        if (outcome)
            return outcome;
        outcome = check_before(&piece, before);
        if (outcome)
            return outcome;
        outcome = records_of(s, offset, &piece, ret);
        if (outcome != READER_END || !piece.full)
            return outcome;
    }
    ret->bytes = piece.text.size;
    return READER_TOO_LONG;
}

int reader_search(struct reader *r, struct segment *s, uint64_t offset, uint64_t *ret_bytes,
                  bool *ret_found)
{
    CHECK(offset > 0);
    size_t before = records_search_before(s->format);
    struct piece piece = {0};
    int outcome = read_piece(r, s, offset - before, before + READ_QUANTUM_BYTES, &piece);
    if (outcome)
        return outcome;
    if (piece.text.size <= before)
        return READER_END;
    *ret_bytes = records_search(s->format, piece.text, ret_found) - before;
    return 0;
}
