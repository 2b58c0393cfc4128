/* output_registry — who writes which file: one table for all routes of the program.
 *
 * A file is (device, inode), so that neither two spellings of a path nor a hard link makes two
 * writers of one file; and its birth, so that a removed output's inode is free for the next file.
 * It also answers whether a file is an output of ours, which must never be captured (D77).
 *
 * - Owns: copies of the paths.
 * - Thread: any; one short mutex, nothing is done under it but looking up.
 */
#pragma once

#include "base/error.h"
#include "model/cursor.h"

#include <stdbool.h>

struct output_registry;

int output_registry_new(struct output_registry **ret) MUST_CHECK;
struct output_registry *output_registry_free(struct output_registry *r);
DEFINE_CLEANUP(struct output_registry *, output_registry_free)

/* Gives the file to `owner`, which is one output of one route; its own it may claim again. -EBUSY
 * with words where it has another owner; -ENOMEM. */
int output_registry_claim(struct output_registry *r, struct file_id file, const void *owner,
                          const char *path, struct error *error) MUST_CHECK;

/* Gives it back; nothing where `owner` does not have it. */
void output_registry_release(struct output_registry *r, struct file_id file, const void *owner);

bool output_registry_has(struct output_registry *r, struct file_id file);
