/* docker_root — where Docker's files lie: as configured; else as the Engine says; else as it said
 * last; else Docker's default.
 *
 * What the Engine said is kept in `<state>/docker-root`, one line, so that a start before the
 * Engine's, as at a boot, looks where the containers are, and takes none of them for removed.
 *
 * - Thread: one, no state.
 */
#pragma once

#include "agent/config.h"
#include "base/limits.h"

enum docker_root_word {
    DOCKER_ROOT_CONFIGURED,
    DOCKER_ROOT_TOLD,    /* by the Engine, now */
    DOCKER_ROOT_GUESSED, /* it is silent: until it tells */
};

/* Asks the Engine where nothing is configured, two seconds at most. "none": no files are to be had,
 * which only the configuration says. */
enum docker_root_word docker_root_find(const struct config *config, char root[PATH_BYTES_MAX]);

/* Keeps what the Engine said. A failure is told in the log: the next start may have to guess. */
void docker_root_keep(const char *state, const char *root);
