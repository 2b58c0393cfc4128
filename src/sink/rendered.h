/* rendered — the label texts of a sink's targets: kept for the TEXTS_KEPT_MAX that were used last.
 * The others are rendered again when they are used, so that quiet containers cost no texts.
 *
 * - Owns: the texts of its members. A member is zeroed before it is first used.
 * - Thread: one.
 */
#pragma once

#include "sink/encoder.h"

struct rendered {
    struct stream_texts texts;
    bool there; /* they are rendered */
    struct rendered *newer, *older;
};

struct rendered_list {
    struct rendered *newest, *oldest;
    size_t count;
};

/* Has `r`'s texts there, of this container, until another is used. 0, or -errno with words. */
int rendered_use(struct rendered_list *l, struct rendered *r, const struct encoder *encoder,
                 const struct container *c, struct error *error) MUST_CHECK;

/* Gives the texts back. */
void rendered_drop(struct rendered_list *l, struct rendered *r);
