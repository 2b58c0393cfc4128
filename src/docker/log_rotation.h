/* log_rotation — at which size Docker begins another log file, by the options of a log driver.
 *
 * Before it writes a record, Docker holds the size of the live file against `max-size`: a file that
 * is smaller than that has no successor. Docker fixes the options when it makes the container, with
 * the daemon's defaults among them. The cache of a driver that cannot be read back is a `local`
 * log.
 *
 * Source: docker-logs §3.1, §3.2, §4.1, §4.5.
 *
 * - Thread: any, no state.
 */
#pragma once

#include <stdint.h>

/* `max_size` as Docker has it: "10m", "1.5kb", plain bytes; "" where it is not given. A value as of
 * struct container's rotation_bytes: unknown where the driver or the size is not understood. */
int64_t log_rotation_bytes(const char *driver, const char *max_size);
