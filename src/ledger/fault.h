/* fault — SQLite's failures as -errno and a sentence that says what to do. */
#pragma once

#include "base/error.h"

#include <sqlite3.h>

/* `handle` says what the system answered; NULL where there is none. `kind` and `path` name the
 * book. */
int fault_set(struct error *error, int code, sqlite3 *handle, const char *kind, const char *path);

/* The same for what was found without SQLite: `answer` of the system at opening, and damage
 * (-EBADMSG). */
int fault_cannot_open(struct error *error, int answer, const char *kind, const char *path);
int fault_damaged(struct error *error, const char *why, const char *kind, const char *path);
