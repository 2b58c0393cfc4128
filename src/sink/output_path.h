/* output_path — making the way to a new output file durable.
 *
 * A file survives a power cut only when the directory that names it was synced, and that directory
 * only when its own parent was.
 */
#pragma once

#include "base/error.h"

/* Makes the directories above `path` that are missing (0750), each synced into its parent. */
int output_path_make_directories(const char *path, struct error *error) MUST_CHECK;

/* Syncs the directory that `path` lies in. */
int output_path_sync_directory(const char *path, struct error *error) MUST_CHECK;
