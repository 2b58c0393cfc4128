// SPDX-License-Identifier: Apache-2.0
#include "source/json_file/masks.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

static const uint64_t ones = UINT64_C(0x0101010101010101);
static const uint64_t tops = UINT64_C(0x8080808080808080);

/* The top bits of eight bytes as eight bits: the product adds no two of them in one place. */
static inline uint64_t bits(uint64_t word, int at)
{
    return ((word & tops) >> 7) * UINT64_C(0x0102040810204080) >> 56 << at;
}

/* Top bits set where a byte is zero; exact in every byte. */
static inline uint64_t zero_bytes(uint64_t word)
{
    return ~(((word & ~tops) + ~tops) | word);
}

static inline uint64_t odd_bytes(uint64_t word)
{
    return ~((word & ~tops) + ones * (0x80 - 0x20)) | word;
}

static inline uint64_t load(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return le64toh(word);
}

/* Is one of the eight bytes of any of the three kinds? Three subtractions tell: a byte below what
 * is taken from it borrows its top bit. */
static inline bool is_plain(uint64_t word, uint64_t backslash, uint64_t quote)
{
    return (((word - ones * ' ') | (backslash - ones) | (quote - ones) | word) & tops) == 0;
}

static inline struct masks block_masks(const char *p)
{
    struct masks m = {0};
    for (int at = 0; at < 64; at += 8) {
        uint64_t word = load(p + at);
        uint64_t backslash = word ^ ones * '\\', quote = word ^ ones * '"';
        if (is_plain(word, backslash, quote))
            continue;
        m.backslash |= bits(zero_bytes(backslash), at);
        m.quote |= bits(zero_bytes(quote), at);
        uint64_t odd = odd_bytes(word) & tops;
        if (odd)
            m.odd |= bits(odd, at);
    }
    return m;
}

static inline uint64_t high_mask(const char *p)
{
    uint64_t high = 0;
    for (int at = 0; at < 64; at += 8)
        high |= bits(load(p + at), at);
    return high;
}

#define FAST_LINES json_file_fast_lines_portable
#include "source/json_file/fast_template.h"
