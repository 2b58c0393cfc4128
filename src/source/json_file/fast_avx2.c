// SPDX-License-Identifier: Apache-2.0
#include "source/json_file/masks.h"

#include <immintrin.h>

static inline uint64_t bits(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

static inline struct masks block_masks(const char *p)
{
    const __m256i backslash = _mm256_set1_epi8('\\'), quote = _mm256_set1_epi8('"');
    const __m256i space = _mm256_set1_epi8(' '); /* bytes from 0x80 on are negative */
    __m256i a = _mm256_loadu_si256((const __m256i_u *)p);
    __m256i b = _mm256_loadu_si256((const __m256i_u *)(p + 32));
    return (struct masks){
        .backslash = bits(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash)),
        .quote = bits(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)),
        .odd = bits(_mm256_cmpgt_epi8(space, a), _mm256_cmpgt_epi8(space, b)),
    };
}

static inline uint64_t high_mask(const char *p)
{
    return bits(_mm256_loadu_si256((const __m256i_u *)p),
                _mm256_loadu_si256((const __m256i_u *)(p + 32)));
}

/* For each set of bytes to drop of eight, the places of those that stay, in order. */
#define STAYS(drop, at)     ((~(drop) >> (at)) & 1)
#define PUT(rest, drop, at) (((rest) << (8 * STAYS(drop, at))) | ((uint64_t)(at)*STAYS(drop, at)))
#define ROW(d)                                                                                     \
    PUT(PUT(PUT(PUT(PUT(PUT(PUT(PUT(UINT64_C(0), d, 7), d, 6), d, 5), d, 4), d, 3), d, 2), d, 1),  \
        d, 0)
#define ROWS_4(d)  ROW(d), ROW((d) + 1), ROW((d) + 2), ROW((d) + 3)
#define ROWS_16(d) ROWS_4(d), ROWS_4((d) + 4), ROWS_4((d) + 8), ROWS_4((d) + 12)
#define ROWS_64(d) ROWS_16(d), ROWS_16((d) + 16), ROWS_16((d) + 32), ROWS_16((d) + 48)
static const uint64_t stay_order[256] = {ROWS_64(0), ROWS_64(64), ROWS_64(128), ROWS_64(192)};

/* Copies the text from `from` to `until` without the backslashes that begin an escape: eight bytes
 * at a time are shuffled together, so that nothing depends on where the escapes are. */
static inline char *squeeze(char *to, const char *text, size_t from, size_t until,
                            const uint64_t *starts)
{
    while (from < until) {
        uint64_t drops = starts[from / 64] >> from % 64;
        size_t block_end = from / 64 * 64 + 64;
        size_t end = block_end < until ? block_end : until;
        if (end - from < 64)
            drops |= ~UINT64_C(0) << (end - from); /* what lies behind is not wanted either */
        for (; from < end; from += 8, drops >>= 8) {
            size_t drop = drops & 0xff;
            __m128i bytes = _mm_loadl_epi64((const __m128i_u *)(text + from));
            __m128i order = _mm_loadl_epi64((const __m128i_u *)&stay_order[drop]);
            _mm_storel_epi64((__m128i_u *)to, _mm_shuffle_epi8(bytes, order));
            to += 8 - (size_t)__builtin_popcountll(drop);
        }
        from = end;
    }
    return to;
}

#define COPY_UNESCAPED squeeze
#define FAST_LINES     json_file_fast_lines_avx2
#include "source/json_file/fast_template.h"
