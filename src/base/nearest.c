// SPDX-License-Identifier: Apache-2.0
#include "base/nearest.h"

#include <stdio.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment over three rows. Both sizes are at most NEAREST_SIZE_MAX. */
static size_t edits(struct span a, struct span b)
{
    size_t rows[3][NEAREST_SIZE_MAX + 1];

    for (size_t j = 0; j <= b.size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t wrong = a.data[i - 1] == b.data[j - 1] ? 0 : 1;
            row[j] = least(above[j - 1] + wrong, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.size % 3][b.size];
}

struct nearest nearest_to(struct span text)
{
    return (struct nearest){.text = text, .distance = (text.size + 2) / 3 + 1};
}

void nearest_offer(struct nearest *n, struct span name)
{
    if (n->text.size > NEAREST_SIZE_MAX || name.size > NEAREST_SIZE_MAX)
        return;

    size_t distance = edits(n->text, name);
    if (distance >= n->distance)
        return;
    n->best = name;
    n->distance = distance;
}

const char *nearest_hint(const struct nearest *n, char to[NEAREST_HINT_SIZE])
{
    to[0] = '\0';
    if (n->best.data)
        snprintf(to, NEAREST_HINT_SIZE, " (did you mean \"%.*s\"?)", (int)n->best.size,
                 n->best.data);
    return to;
}
