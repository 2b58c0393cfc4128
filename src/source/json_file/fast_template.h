/* fast_template — lines of exactly Docker's shape, in one pass. Included once per instruction set.
 *
 * {"log":"TEXT","stream":"stdout|stderr","time":"YYYY-MM-DDThh:mm:ss.fffffffffZ"}\n
 *
 * The text is read in blocks of 64 bytes, each turned into bit masks of its backslashes, quotes and
 * odd bytes: the first quote that no backslash escapes ends it. Text with escapes is then copied
 * without the backslashes, from the masks and not from the bytes; only the few escapes whose letter
 * does not stand for itself are looked at one by one. Whatever is not as expected leaves the line
 * to the tokenizer.
 *
 * The including file defines before:
 *   struct masks block_masks(const char *p)   of the 64 bytes at p
 *   uint64_t high_mask(const char *p)         which of them are 0x80 and above
 *   FAST_LINES                                the name of the function
 *   COPY_UNESCAPED                            if it has a better way than copy_spans
 *
 * - Reads up to BUF_SLACK bytes behind the input, writes up to ARENA_SLACK behind what it takes of
 *   the arena.
 */
#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "source/json_file/decoding.h"
#include "source/json_file/text.h"

#include <endian.h>

enum {
    BLOCK_BYTES = 64,
    COPY_BYTES = 16,   /* copied at once: most spans between escapes are shorter */
    BLOCKS_MAX = 1600, /* blocks of a text: a longer one (Docker's end at 98 KB) is not fast */
};
_Static_assert((int)BLOCK_BYTES <= (int)BUF_SLACK,
               "a block may begin at the last byte of the input");
_Static_assert((int)COPY_BYTES <= (int)BUF_SLACK && (int)COPY_BYTES <= (int)ARENA_SLACK,
               "copies run over");

/* A text between its quotes. */
struct fast_text {
    const char *start;
    const char *end;         /* the closing quote */
    const char *message_end; /* without the newline escape */
    bool escaped;            /* are there escapes before message_end? */
    bool ascii;
};

/* The escapes of a text, block by block. */
struct escapes {
    uint64_t starts[BLOCKS_MAX];  /* the backslash of each */
    uint64_t letters[BLOCKS_MAX]; /* what follows it, where that does not stand for itself */
};

/* The backslashes that begin an escape: of each run the first, the third, … *carry says whether the
 * byte before the block was one, and then the same for the next block. */
static inline uint64_t escape_starts(uint64_t backslash, uint64_t *carry)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    backslash &= ~*carry; /* the block's first byte is what was escaped */
    uint64_t run_starts = backslash & ~(backslash << 1);
    /* Adding its first bit to a run clears the run: that finds the runs from even positions. */
    uint64_t from_even = backslash & ~(backslash + (run_starts & even));
    uint64_t starts = (from_even & even) | (backslash & ~from_even & ~even);
    *carry = starts >> 63;
    return starts;
}

/* Is \X, whose X stands at p, an escape that means the same by itself? (Half of a surrogate pair
 * does not, and goes the long way.) */
static inline bool escape_legal(const char *p)
{
    if (*p != 'u')
        return text_short_escape[(unsigned char)*p] != 0;
    int32_t unit = text_hex4(p + 1);
    return unit >= 0 && (unit & 0xf800) != 0xd800;
}

static inline bool escapes_legal(const char *block, uint64_t escaped)
{
    for (; escaped; escaped &= escaped - 1)
        if (!escape_legal(block + __builtin_ctzll(escaped)))
            return false;
    return true;
}

/* Where the message ends in the text that ends at the quote `end`. What stands before the text is
 * a quote too, so that looking back over its start finds no backslash. */
static inline const char *message_end(const char *start, const char *end)
{
    if (end[-1] == 'n' && end[-2] == '\\' && end[-3] != '\\')
        return end - 2;
    return end - text_newline_size((struct span){start, (size_t)(end - start)});
}

/* Finds the end of the text at `start`. Keeps the masks in `escapes`, or, where the text is
 * to stand as it is, checks that they are legal. */
static inline __attribute__((always_inline)) bool
find_text(const char *start, const bool json, struct escapes *escapes, struct fast_text *ret)
{
    uint64_t carry = 0, seen = 0;
    ret->ascii = true;
    for (size_t i = 0; i < BLOCKS_MAX; i++) {
        const char *block = start + i * BLOCK_BYTES;
        struct masks m = block_masks(block);
        if ((m.backslash | m.quote | m.odd | carry) == 0) {
            if (!json)
                escapes->starts[i] = escapes->letters[i] = 0;
            continue;
        }
        uint64_t escaped = carry;
        uint64_t escape = escape_starts(m.backslash, &carry);
        escaped |= escape << 1;
        uint64_t quotes = m.quote & ~escaped;
        uint64_t inside = ~quotes & (quotes - 1); /* all of the block, where it has none */

        if (m.odd & inside) {
            if (m.odd & inside & ~high_mask(block))
                return false; /* a control character; the newline at the latest */
            ret->ascii = false;
        }
        uint64_t letters = escaped & ~m.quote & ~m.backslash;
        if (json && !escapes_legal(block, letters & inside))
            return false;
        if (!json) {
            escapes->starts[i] = escape;
            escapes->letters[i] = letters;
        }
        if (quotes == 0) {
            seen |= escape;
            continue;
        }

        ret->start = start;
        ret->end = block + __builtin_ctzll(quotes);
        ret->message_end = message_end(start, ret->end);
        ptrdiff_t left = ret->message_end - block;
        if (left > 0)
            seen |= escape & ((UINT64_C(1) << left) - 1);
        ret->escaped = seen != 0;
        return true;
    }
    return false;
}

static inline char *copy_over(char *to, const char *from, size_t size)
{
    memcpy(to, from, COPY_BYTES);
    for (size_t done = COPY_BYTES; done < size; done += COPY_BYTES)
        memcpy(to + done, from + done, COPY_BYTES);
    return to + size;
}

#ifndef COPY_UNESCAPED
#define COPY_UNESCAPED copy_spans
/* Copies the text from `from` to `until` without the backslashes that begin an escape. */
static inline char *copy_spans(char *to, const char *text, size_t from, size_t until,
                               const uint64_t *starts)
{
    for (size_t block = from / BLOCK_BYTES * BLOCK_BYTES; block < until; block += BLOCK_BYTES) {
        uint64_t drop = starts[block / BLOCK_BYTES];
        if (block < from)
            drop &= ~UINT64_C(0) << (from - block);
        if (until - block < BLOCK_BYTES)
            drop &= (UINT64_C(1) << (until - block)) - 1;
        for (; drop; drop &= drop - 1) {
            size_t at = block + (size_t)__builtin_ctzll(drop);
            to = copy_over(to, text + from, at - from);
            from = at + 1;
        }
    }
    return copy_over(to, text + from, until - from);
}
#endif

/* Writes what the escape with the letter at p means; *ret_size is its size from the letter on. NULL
 * where it needs the long way. */
static inline char *unescape_letter(char *to, const char *p, size_t *ret_size)
{
    if (*p != 'u') {
        *to = text_short_escape[(unsigned char)*p];
        *ret_size = 1;
        return *to ? to + 1 : NULL;
    }
    int32_t unit = text_hex4(p + 1);
    *ret_size = 5;
    if (unit < 0 || (unit & 0xf800) == 0xd800)
        return NULL;
    if (unit >= 0x80)
        return to + utf8_put(to, (uint32_t)unit);
    *to = (char)unit;
    return to + 1;
}

/* Writes the message unescaped. Returns the end of it, NULL where it needs the long way. */
static inline char *unescape_text(char *to, const struct fast_text *text,
                                  const struct escapes *escapes)
{
    size_t from = 0, size = (size_t)(text->message_end - text->start);
    for (size_t block = 0; block < size; block += BLOCK_BYTES) {
        uint64_t letters = escapes->letters[block / BLOCK_BYTES];
        if (size - block < BLOCK_BYTES)
            letters &= (UINT64_C(1) << (size - block)) - 1;
        for (; letters; letters &= letters - 1) {
            size_t letter = block + (size_t)__builtin_ctzll(letters), letter_size;
            to = COPY_UNESCAPED(to, text->start, from, letter - 1, escapes->starts);
            to = unescape_letter(to, text->start + letter, &letter_size);
            if (!to)
                return NULL;
            from = letter + letter_size;
        }
    }
    return COPY_UNESCAPED(to, text->start, from, size, escapes->starts);
}

/* Sets entry->message. False: the long way, or no room. */
static inline __attribute__((always_inline)) bool
set_message(struct arena *arena, const struct fast_text *text, const bool json,
            const struct escapes *escapes, struct span *ret)
{
    struct span raw = {text->start, (size_t)(text->message_end - text->start)};
    *ret = raw;
    if (json)
        return text->ascii || utf8_valid(raw);
    if (!text->escaped)
        return true;

    if (arena->capacity - arena->used < raw.size)
        return false;
    char *to = arena->data + arena->used;
    char *end = unescape_text(to, text, escapes);
    if (!end)
        return false;
    *ret = (struct span){to, (size_t)(end - to)};
    arena->used += ret->size;
    return true;
}

/* Fills in the time of the second at `text`, mostly that of the line before. */
static inline bool known_second(struct json_file *d, const char *text)
{
    if (memcmp(text, d->second, JSON_FILE_SECOND_SIZE) == 0)
        return true;

    char whole[JSON_FILE_SECOND_SIZE + 1];
    memcpy(whole, text, JSON_FILE_SECOND_SIZE);
    whole[JSON_FILE_SECOND_SIZE] = 'Z';
    int64_t ns, next;
    if (rfc3339_parse((struct span){whole, sizeof(whole)}, &ns) < 0 || ns == RFC3339_ZERO_NS ||
        __builtin_add_overflow(ns, NS_PER_SECOND, &next))
        return false;
    memcpy(d->second, text, JSON_FILE_SECOND_SIZE);
    d->second_ns = ns;
    return true;
}

/* The value of eight digits, or -1: three times neighbours are joined, two digits, four, eight. */
static inline int64_t eight_digits(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    w = le64toh(w) ^ UINT64_C(0x3030303030303030);
    if (((w | (w + UINT64_C(0x0606060606060606))) & UINT64_C(0xf0f0f0f0f0f0f0f0)) != 0)
        return -1;
    w = (w * (10 << 8 | 1) >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    w = (w * (100 << 16 | 1) >> 16) & UINT64_C(0x0000ffff0000ffff);
    return (int64_t)(w * (UINT64_C(10000) << 32 | 1) >> 32);
}

/* The fraction of a second at *at, with its point, if there is one; *at moves behind it. -1 where
 * it is not one of at most nine digits. */
static inline int64_t fraction_ns(const char **at)
{
    const char *p = *at;
    if (*p != '.')
        return 0;
    int64_t ns = eight_digits(p + 1);
    unsigned ninth = (unsigned char)p[9] - (unsigned)'0';
    if (ns >= 0 && ninth <= 9) {
        *at = p + 10;
        return ns * 10 + ninth;
    }
    ns = 0;
    int count = 0;
    for (p++; (unsigned char)*p - (unsigned)'0' <= 9; p++, count++)
        ns = ns * 10 + (*p - '0');
    if (count == 0 || count > 9)
        return -1;
    for (; count < 9; count++)
        ns *= 10;
    *at = p;
    return ns;
}

/* What follows the text, from its closing quote on. Returns the newline, NULL where anything is
 * not as Docker writes it. Each step has found that no newline was passed, so the reads stay
 * within the slack. */
static inline const char *read_tail(struct json_file *d, const char *quote, struct entry *entry)
{
    static const char out[] = "\",\"stream\":\"stdout\",\"time\":\"";
    static const char err[] = "\",\"stream\":\"stderr\",\"time\":\"";
    if (memcmp(quote, out, sizeof(out) - 1) == 0)
        entry->stream = STREAM_STDOUT;
    else if (memcmp(quote, err, sizeof(err) - 1) == 0)
        entry->stream = STREAM_STDERR;
    else
        return NULL;

    const char *p = quote + sizeof(out) - 1;
    if (!known_second(d, p))
        return NULL;
    p += JSON_FILE_SECOND_SIZE;
    int64_t fraction = fraction_ns(&p);
    if (fraction < 0 || memcmp(p, "Z\"}\n", 4) != 0)
        return NULL;
    entry->time_ns = d->second_ns + fraction;
    return p + 3;
}

/* Takes the line at `line` into *entry. Returns what lies behind it, NULL where it goes the long
 * way or the batch has no room for it. */
static inline __attribute__((always_inline)) const char *
take_line(struct json_file_decoding *k, const char *line, const bool json, struct escapes *escapes,
          struct entry *entry)
{
    static const char head[] = "{\"log\":\"";
    struct fast_text text;
    if (memcmp(line, head, sizeof(head) - 1) != 0 ||
        !find_text(line + sizeof(head) - 1, json, escapes, &text))
        return NULL;
    const char *newline = read_tail(k->decoder, text.end, entry);
    if (!newline || !set_message(&k->batch->arena, &text, json, escapes, &entry->message))
        return NULL;

    entry->serial = k->position.serial;
    entry->offset = decoding_offset(k, line);
    entry->attrs = (struct span){0};
    entry->source_bytes = 0;
    entry->flags = 0;
    if (text.message_end == text.end) {
        entry->flags = ENTRY_UNTERMINATED;
        entry->source_bytes =
            (uint32_t)text_source_bytes((struct span){text.start, (size_t)(text.end - text.start)});
    }
    return newline + 1;
}

static inline __attribute__((always_inline)) void take_lines(struct json_file_decoding *k,
                                                             const bool json)
{
    struct escapes escapes;
    struct batch *b = k->batch;
    size_t count = b->count;
    const char *at = k->at, *last = NULL;
    while (at < k->end && count < BATCH_ENTRIES_MAX) {
        const char *behind = take_line(k, at, json, &escapes, &b->entries[count]);
        if (!behind)
            break;
        last = at;
        at = behind;
        count++;
    }
    if (last)
        k->last_record = (struct span){last, (size_t)(at - last) - 1};
    k->at = at;
    b->count = count;
}

void FAST_LINES(struct json_file_decoding *k)
{
    if (k->decoder->form == FORM_JSON)
        take_lines(k, true);
    else
        take_lines(k, false);
}
