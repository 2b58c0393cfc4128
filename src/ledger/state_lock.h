/* state_lock — the writers' lock on a state directory: one tallyman at a time.
 *
 * flock on `<state>/lock`, which also holds the owner's pid for the message. Released by the kernel
 * when the process ends, however it ends.
 */
#pragma once

#include "base/error.h"

/* Creates the directory (0700, parents too) where it is missing. -EBUSY with words where another
 * process holds it (names its pid), -errno otherwise. *ret_fd is the caller's to close. */
int state_lock_acquire(const char *state_dir, int *ret_fd, struct error *error) MUST_CHECK;
