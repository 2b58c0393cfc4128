// SPDX-License-Identifier: Apache-2.0
#include "source/json_file/masks.h"

#include <emmintrin.h>

static inline uint64_t bits(__m128i v, int at)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(v) << at;
}

static inline struct masks block_masks(const char *p)
{
    const __m128i backslash = _mm_set1_epi8('\\'), quote = _mm_set1_epi8('"');
    const __m128i space = _mm_set1_epi8(' '); /* bytes from 0x80 on are negative */
    struct masks m = {0};
    for (int at = 0; at < 64; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i_u *)(p + at));
        m.backslash |= bits(_mm_cmpeq_epi8(v, backslash), at);
        m.quote |= bits(_mm_cmpeq_epi8(v, quote), at);
        m.odd |= bits(_mm_cmplt_epi8(v, space), at);
    }
    return m;
}

static inline uint64_t high_mask(const char *p)
{
    uint64_t high = 0;
    for (int at = 0; at < 64; at += 16)
        high |= bits(_mm_loadu_si128((const __m128i_u *)(p + at)), at);
    return high;
}

#define FAST_LINES json_file_fast_lines_sse2
#include "source/json_file/fast_template.h"
