/* config_secret — values that are used and never shown.
 *
 * Not one byte of them, nor their length, is in an error, in what `check --print` writes or in the
 * log. Where the file had nothing but a reference to the environment, `${NAME}`, that is written in
 * their place, so that the printed file can be read back; else the word CONFIG_HIDDEN, which no
 * reader takes for a secret.
 */
#pragma once

#include "agent/config_type.h"

#define CONFIG_HIDDEN "(hidden)"

/* As config_text_of, for a value that is secret: what is wrong is said without quoting it. */
int config_secret(struct config_reader *r, const struct config_key *key,
                  const struct config_node *value, unsigned kinds, const char **ret) MUST_CHECK;

/* `text` as config_secret gave it. Writes " value\n". */
void config_secret_print(FILE *to, const char *text);
