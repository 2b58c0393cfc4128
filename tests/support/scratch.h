/* scratch — a directory of its own for each test, and what tests do to files in it. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { SCRATCH_PATH_MAX = 256 /* bytes */ };

/* cmocka's setup and teardown: *state is the directory's path. */
int scratch_make(void **state);
int scratch_remove(void **state);

/* The path of `name` in the directory, in a buffer that lives as long as the caller's block. */
struct scratch_path {
    char text[SCRATCH_PATH_MAX];
};
const char *scratch_join(struct scratch_path *to, void *const *state, const char *name);
#define SCRATCH(name) scratch_join(&(struct scratch_path){0}, state, (name))

/* Copies a file byte by byte, as a power cut would find it. A missing one is left out. */
void scratch_copy(const char *from, const char *to);
/* The copy of a book with its log, without the shared memory: what stands after a restart of the
 * machine. */
void scratch_copy_book(const char *from, const char *to);
void scratch_write(const char *path, const void *bytes, size_t size);
/* Bytes of a file, -1 if there is none. */
int64_t scratch_size(const char *path);

/* Asserts that the sentence names the path, says `words`, and is one line. */
void assert_says(const struct error *error, const char *path, const char *words);
