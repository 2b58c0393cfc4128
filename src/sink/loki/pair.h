/* pair — one name and value of structured metadata, in either form of a push.
 *
 * Values that are not UTF-8 are mended.
 */
#pragma once

#include "base/buf.h"

/* A field `structuredMetadata` of an entry. */
void loki_append_pair(struct buf *to, const char *name, struct span value);

/* "name":"value" */
void loki_append_member(struct buf *to, const char *name, struct span value);
