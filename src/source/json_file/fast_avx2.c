// SPDX-License-Identifier: Apache-2.0
#include "source/json_file/masks.h"

#include <immintrin.h>

static inline uint64_t bits(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

static inline __m256i below_space(__m256i v)
{
    return _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
}

static inline struct masks block_masks(const char *p)
{
    const __m256i backslash = _mm256_set1_epi8('\\'), quote = _mm256_set1_epi8('"');
    __m256i a = _mm256_loadu_si256((const __m256i_u *)p);
    __m256i b = _mm256_loadu_si256((const __m256i_u *)(p + 32));
    return (struct masks){
        .backslash = bits(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash)),
        .quote = bits(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)),
        .control = bits(below_space(a), below_space(b)),
        .high = bits(a, b),
    };
}

#define COPY_BYTES 16
#define FAST_LINES json_file_fast_lines_avx2
#include "source/json_file/fast_template.h"
