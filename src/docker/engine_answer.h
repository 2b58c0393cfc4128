/* engine_answer — reads the bodies of the Engine's answers.
 *
 * Source of the format: docker-logs §6.2, §6.3 (Engine API 1.24 to 1.55).
 *
 * - Thread: any, no state.
 * - Errors: 0, -errno with words.
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "base/span.h"
#include "model/container.h"

enum {
    ENGINE_NAME_MAX = 128,    /* bytes with the NUL; a longer name is cut: it is for messages */
    ENGINE_STATE_MAX = 16,    /* bytes with the NUL */
    ENGINE_MESSAGE_MAX = 256, /* bytes with the NUL */
};

struct engine_listed {
    char id[CONTAINER_ID_SIZE + 1];
    char name[ENGINE_NAME_MAX]; /* without the slash; "" where it has none */
    char state[ENGINE_STATE_MAX];
};

/* GET /containers/json. The caller frees *ret_items (never NULL on success). All or nothing: half a
 * list would read as containers that are gone. */
int engine_answer_list(struct span body, struct engine_listed **ret_items, size_t *ret_count,
                       struct error *error) MUST_CHECK;

/* GET /info: the directory that Docker keeps everything in, "" where it does not say. */
int engine_answer_root(struct span body, char ret[PATH_BYTES_MAX], struct error *error) MUST_CHECK;

/* What an error's body says, for people: the `message` of its JSON, else the start of its text.
 * One line, printable. Returns `to`. */
const char *engine_answer_message(struct span body, char to[ENGINE_MESSAGE_MAX]);
