/* json_print — JSON for scripts, appended to a buffer member by member.
 *
 * Commas come by themselves. A failure is sticky in the buffer.
 *
 * - Source of the format: RFC 8259.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

/* `opening` is { or [; the key is NULL within an array. */
void json_print_begin(struct buf *to, const char *key, char opening);
void json_print_end(struct buf *to, char closing);

void json_print_text(struct buf *to, const char *key, const char *text);
void json_print_number(struct buf *to, const char *key, uint64_t number);
/* null where it is `none`. */
void json_print_number_or_null(struct buf *to, const char *key, int64_t number, int64_t none);
/* RFC 3339 with nine digits; null for INT64_MIN, which stands for a time that is not known. */
void json_print_time(struct buf *to, const char *key, int64_t ns);
void json_print_truth(struct buf *to, const char *key, bool truth);
