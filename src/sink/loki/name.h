/* name — the name of a stream: its labels in Prometheus' notation, {container_name="web", …}.
 *
 * Loki reads it so in a push, and writes it so in its answers. Names stand in order; values are
 * quoted as Go's strconv.Quote does it, but for signs that Go finds unprintable, which stay.
 */
#pragma once

#include "base/buf.h"

/* name="value", behind a comma where it is not the first. */
void loki_append_label(struct buf *to, bool first, const char *name, const char *value);

/* Does this name, as Loki writes it in its answers, mean the stream `name`? Loki adds labels of its
 * own. What stands behind its brace is not looked at. */
bool loki_name_means(struct span written, struct span name);
