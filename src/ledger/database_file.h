/* database_file — makes a book's file, opens it, and makes sure that it is one that we can trust:
 * ours, whole, of a version we know, brought up to ours. See database.h for errors.
 */
#pragma once

#include "ledger/database.h"

int database_file_open(sqlite3 **ret, const char *path, const char *vfs, unsigned flags,
                       const struct schema *schema, struct error *error) MUST_CHECK;
