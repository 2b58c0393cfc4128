/* label_text — a container's labels as one JSON object, for people and for us, in their order.
 *
 * - Source of the format: RFC 8259. Read strictly, as it was written: an object of texts, without
 *   spaces between its tokens.
 */
#pragma once

#include "base/buf.h"
#include "model/container.h"

/* Appends it. What is not UTF-8 becomes U+FFFD. */
void label_text_write(struct buf *to, const struct pairs *labels);

/* The labels of `text`. Their items and strings are one block, ret->items, the caller's to free.
 * -EBADMSG where it was not written so, -ENOMEM. */
int label_text_read(struct span text, struct pairs *ret) MUST_CHECK;
