/* container_fold — a container's record as it is kept while its log is quiet: what many records
 * have alike (ids, images, states, label keys and values) are words (base/word.h), and the labels
 * are not rendered. There may be ten thousand.
 *
 * A folded record is read as any other but for two things: `rendered` is empty, and `log_path` is
 * short of what the id tells (container_log_path). Who renders needs an unfolded one.
 *
 * - Owns: a reference on each of its words; the rest lies in its block.
 * - Thread, errors: as container.h.
 */
#pragma once

#include "model/container.h"

/* Of one that is folded already it is a reference on the same. */
int container_fold(struct container **ret, struct container *c) MUST_CHECK;
/* As it was before. Of one that is not folded it is a reference on the same. */
int container_unfold(struct container **ret, struct container *c) MUST_CHECK;

/* The whole log path, folded or not: in `c`, or in `room`. */
enum { CONTAINER_LOG_PATH_MAX = 4096 /* bytes, with the NUL; a longer one is never short */ };
const char *container_log_path(const struct container *c, char room[CONTAINER_LOG_PATH_MAX]);

/* For container_unref alone: gives the words back. */
void container_fold_drop(struct container *folded);
