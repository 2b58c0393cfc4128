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
    const __m128i last_control = _mm_set1_epi8(0x1f);
    struct masks m = {0};
    for (int at = 0; at < 64; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i_u *)(p + at));
        m.backslash |= bits(_mm_cmpeq_epi8(v, backslash), at);
        m.quote |= bits(_mm_cmpeq_epi8(v, quote), at);
        m.control |= bits(_mm_cmpeq_epi8(_mm_min_epu8(v, last_control), v), at);
        m.high |= bits(v, at);
    }
    return m;
}

#define COPY_BYTES 16
#define FAST_LINES json_file_fast_lines_sse2
#include "source/json_file/fast_template.h"
