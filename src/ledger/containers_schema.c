// SPDX-License-Identifier: Apache-2.0
#include "ledger/containers_schema.h"

#include "ledger/columns.h"
#include "ledger/containers.h"

/* A migration that a release has carried is history: it is never edited, the next one is added. */
static const char *const migrations[] = {
    /* 0 -> 1 */
    "CREATE TABLE containers ("
    "  key INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  removed_ns INTEGER," /* NULL: there still */
    "  record TEXT NOT NULL"
    ") STRICT;"

    "CREATE TABLE segments ("
    "  container INTEGER NOT NULL REFERENCES containers (key),"
    "  serial INTEGER NOT NULL,"
    "  fingerprint TEXT NOT NULL,"
    "  device INTEGER NOT NULL,"
    "  inode INTEGER NOT NULL,"
    "  birth_ns INTEGER NOT NULL,"
    "  gzip INTEGER NOT NULL,"
    "  sealed INTEGER NOT NULL,"
    "  cut INTEGER NOT NULL,"
    "  hole TEXT,"     /* the reason, NULL for a segment that can be read */
    "  bytes INTEGER," /* of a hole, NULL where nobody can know */
    "  PRIMARY KEY (container, serial)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE eras ("
    "  container INTEGER NOT NULL REFERENCES containers (key),"
    "  serial INTEGER NOT NULL,"
    "  offset INTEGER NOT NULL,"
    "  record TEXT NOT NULL,"
    "  PRIMARY KEY (container, serial, offset)"
    ") STRICT, WITHOUT ROWID;",
};
_Static_assert(ARRAY_SIZE(migrations) == CONTAINERS_SCHEMA_VERSION,
               "each version has its migration");

#define OF_CONTAINER "(SELECT key FROM containers WHERE id = ?)"

static const char *const statements[CONTAINERS_STATEMENT_COUNT] = {
    [SELECT_CONTAINERS] = "SELECT id, record, removed_ns FROM containers ORDER BY key",
    [SELECT_SEGMENTS] =
        "SELECT " SEGMENT_COLUMNS("") ", gzip, sealed, cut, hole, bytes"
                                      " FROM segments WHERE container = " OF_CONTAINER
                                      " ORDER BY serial",
    [SELECT_ERAS] = "SELECT serial, offset, record FROM eras WHERE container = " OF_CONTAINER
                    " ORDER BY serial, offset",

    [PUT_CONTAINER] = "INSERT INTO containers (id, record, removed_ns) VALUES (?, ?, ?)"
                      " ON CONFLICT (id) DO UPDATE SET (record, removed_ns) ="
                      " (excluded.record, excluded.removed_ns)",
    [PUT_SEGMENT] = "INSERT OR REPLACE INTO segments (" SEGMENT_COLUMNS(
        "") ", gzip, sealed, cut, hole, bytes, container)"
            " SELECT " SEGMENT_PARAMETERS ", ?, ?, ?, ?, ?, key"
            " FROM containers WHERE id = ?",
    [DELETE_SEGMENT] = "DELETE FROM segments WHERE container = " OF_CONTAINER " AND serial = ?",
    [PUT_ERA] = "INSERT OR REPLACE INTO eras (serial, offset, record, container)"
                " SELECT ?, ?, ?, key FROM containers WHERE id = ?",
    [DELETE_SEGMENTS] = "DELETE FROM segments WHERE container = " OF_CONTAINER,
    [DELETE_ERAS] = "DELETE FROM eras WHERE container = " OF_CONTAINER,
    [DELETE_CONTAINER] = "DELETE FROM containers WHERE id = ?",
};

/* The log is copied into the file when the monitor is quiet (containers_checkpoint); by itself only
 * past 16 MiB, since that costs an fsync. */
const struct schema containers_schema = {
    .kind = "book of containers",
    .application_id = 0x746d6374, /* "tmct" */
    .migrations = migrations,
    .version = ARRAY_SIZE(migrations),
    .settings = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4096;"
                "PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -256;",
    .statements = statements,
    .statement_count = CONTAINERS_STATEMENT_COUNT,
};
