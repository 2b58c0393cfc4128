/* load — a configuration from a text, for tests: the file is FILE_NAME in a directory of its own.
 */
#pragma once

#include "agent/config.h"

#define FILE_NAME "t.yaml"

/* Makes the directory and goes there; for a group's setup. leave() removes it. */
int enter_directory(void **state);
int leave_directory(void **state);

/* Fails the test where the configuration is refused. Free it with config_free. */
struct config *load(const char *yaml);
/* Fails the test where it is not refused with exactly this sentence. */
void assert_refused(const char *yaml, const char *sentence);
/* The same for bytes that are no string. */
void assert_refused_bytes(const char *bytes, size_t size, const char *sentence);

/* What is printed of it, to be freed. NULL: the document of all keys instead. */
char *config_printed(const struct config *c);
