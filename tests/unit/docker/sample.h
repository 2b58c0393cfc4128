/* sample — a genuine file of Docker's from tests/data/docker, whole. A failed read fails the test.
 */
#pragma once

#include "base/buf.h"

/* The caller gives it back with buf_deinit. */
struct buf sample_read(const char *name);
