/* error — what went wrong, as one sentence for a person, beside the code for the program.
 *
 * Functions answer 0, a negative errno (fatal to the operation, forwarded unchanged) or a positive
 * outcome that the function's header names (handled by its caller, never forwarded). Where the
 * cause needs words (which file, which line, what to do) the function also fills a struct error.
 *
 * - Limits: ERROR_TEXT_MAX bytes of text, cut at the end.
 */
#pragma once

#include "base/cleanup.h"

enum { ERROR_TEXT_MAX = 1024 /* bytes, with the NUL */ };

struct error {
    char text[ERROR_TEXT_MAX];
};

/* Writes the sentence and returns `code`, so that `return error_set(error, -EINVAL, …)` reads as
 * one step. `error` may be NULL. */
int error_set(struct error *error, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "prefix: " before the sentence that is there. */
void error_prefix(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);
