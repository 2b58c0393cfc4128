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

#define COPY_BYTES 16
#define FAST_LINES json_file_fast_lines_avx2
#include "source/json_file/fast_template.h"
