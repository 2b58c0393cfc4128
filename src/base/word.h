/* word — texts that many objects have alike (a container's id, an image, a label's key), each kept
 * once for the process.
 *
 * A word is an immutable, counted text, which is read like any other. Two words of the same text
 * are the same pointer.
 *
 * - Owns: each text for as long as somebody has a reference on it.
 * - Thread: any; one mutex, held for a look-up. Reading takes none.
 */
#pragma once

#include <stddef.h>

/* A reference on the word for `text`; NULL without memory. */
const char *word_take(const char *text);

/* Gives a reference back. Accepts NULL. Returns NULL. */
const char *word_drop(const char *word);

/* How many there are. */
size_t word_count(void);
