/* listing — one container as `ls` shows it: to people, or to scripts as an object of JSON.
 *
 * - Owns: nothing; borrows all that it is given for the call.
 * - Thread: one.
 */
#pragma once

#include <stdio.h>

#include "cli/extent.h"
#include "cli/inventory.h"
#include "cli/standing.h"

struct listing {
    const struct inventory_item *item;
    const struct extent *extent;
    const struct pin_entry *pins;
    size_t pin_count;
    const struct standing *standings; /* of the routes, in the configuration's order */
    size_t standing_count;
};

/* Appends one object, without a newline. */
void listing_print_json(const struct listing *l, struct buf *to);

void listing_print_head(FILE *to, size_t name_width);
void listing_print_text(const struct listing *l, FILE *to, size_t name_width);
