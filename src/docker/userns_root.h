/* userns_root — where Docker's files lie with userns-remap, as the disk alone tells it.
 *
 * dockerd then keeps everything in `<data-root>/<uid>.<gid>/`, which /info names and no file does.
 * What was there before stays beside it, without containers that run.
 *
 * Source of the layout: docker-logs §1.1.
 *
 * - Thread: any, no state.
 */
#pragma once

#include "base/limits.h"

/* Appends the sub-directory where `root` itself has no containers and exactly one such has; else
 * leaves `root` as it is. */
void userns_root_find(char root[PATH_BYTES_MAX]);
