// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger_schema.h"

#include "ledger/columns.h"
#include "ledger/ledger.h"

/* A migration that a release has carried is history: it is never edited, the next one is added.
 *
 * No CHECKs on what each commit writes: six of them make a row five times as dear. What reads the
 * rows knows the words. */
static const char *const migrations[] = {
    /* 0 -> 1 */
    "CREATE TABLE route ("
    "  only INTEGER PRIMARY KEY CHECK (only = 1),"
    "  attached_ns INTEGER NOT NULL,"
    "  settled INTEGER NOT NULL DEFAULT 0" /* failed commits that were made sure to be none */
    ") STRICT;"

    /* A key is never given twice: a stale one must not move another source's cursor. */
    "CREATE TABLE sources ("
    "  key INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  id TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL,"
    "  removed_ns INTEGER," /* NULL: there still */

    "  position TEXT NOT NULL,"
    "  serial INTEGER NOT NULL,"
    "  fingerprint TEXT NOT NULL,"
    "  device INTEGER NOT NULL,"
    "  inode INTEGER NOT NULL,"
    "  birth_ns INTEGER NOT NULL,"
    "  offset INTEGER NOT NULL,"
    "  last_ns INTEGER,"
    "  last_hash INTEGER NOT NULL,"
    "  last_size INTEGER NOT NULL,"
    "  skipping INTEGER NOT NULL,"
    "  stdout_open TEXT NOT NULL," /* none, line or cut: see open_lines */
    "  stderr_open TEXT NOT NULL,"

    "  lines_read INTEGER NOT NULL DEFAULT 0,"
    "  lines_delivered INTEGER NOT NULL DEFAULT 0,"
    "  lines_filtered INTEGER NOT NULL DEFAULT 0,"
    "  lines_refused INTEGER NOT NULL DEFAULT 0,"
    "  lines_lost INTEGER NOT NULL DEFAULT 0,"
    "  records_read INTEGER NOT NULL DEFAULT 0,"
    "  bytes_read INTEGER NOT NULL DEFAULT 0,"
    "  bytes_records INTEGER NOT NULL DEFAULT 0,"
    "  bytes_blank INTEGER NOT NULL DEFAULT 0,"
    "  bytes_gap INTEGER NOT NULL DEFAULT 0,"
    "  bytes_skipped INTEGER NOT NULL DEFAULT 0,"
    "  gaps INTEGER NOT NULL DEFAULT 0,"
    "  gap_bytes INTEGER NOT NULL DEFAULT 0,"
    "  gaps_unknown INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"

    /* Where lines that have not ended begin. A row holds only while its source says that the stream
     * has such a line; it is not deleted, but written over by the next. */
    "CREATE TABLE open_lines ("
    "  source INTEGER NOT NULL REFERENCES sources (key),"
    "  stream TEXT NOT NULL,"
    "  serial INTEGER NOT NULL,"
    "  fingerprint TEXT NOT NULL,"
    "  device INTEGER NOT NULL,"
    "  inode INTEGER NOT NULL,"
    "  birth_ns INTEGER NOT NULL,"
    "  offset INTEGER NOT NULL,"
    "  time_ns INTEGER,"
    "  continued INTEGER NOT NULL,"
    "  PRIMARY KEY (source, stream)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE gaps ("
    "  key INTEGER PRIMARY KEY,"
    "  source INTEGER NOT NULL REFERENCES sources (key),"
    "  booked_ns INTEGER NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  serial INTEGER NOT NULL,"
    "  offset INTEGER NOT NULL,"
    "  bytes INTEGER,"    /* NULL: nobody can know */
    "  after_ns INTEGER," /* NULL: no record before it */
    "  before_ns INTEGER" /* NULL: no record after it yet */
    ") STRICT;"

    "CREATE TABLE outputs ("
    "  path TEXT PRIMARY KEY,"
    "  device INTEGER NOT NULL,"
    "  inode INTEGER NOT NULL,"
    "  birth_ns INTEGER NOT NULL,"
    "  length INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    /* What the sources that are forgotten came to, by the day of their removal, UTC. */
    "CREATE TABLE daily ("
    "  day TEXT PRIMARY KEY,"
    "  lines_read INTEGER NOT NULL,"
    "  lines_delivered INTEGER NOT NULL,"
    "  lines_filtered INTEGER NOT NULL,"
    "  lines_refused INTEGER NOT NULL,"
    "  lines_lost INTEGER NOT NULL,"
    "  records_read INTEGER NOT NULL,"
    "  bytes_read INTEGER NOT NULL,"
    "  bytes_records INTEGER NOT NULL,"
    "  bytes_blank INTEGER NOT NULL,"
    "  bytes_gap INTEGER NOT NULL,"
    "  bytes_skipped INTEGER NOT NULL,"
    "  gaps INTEGER NOT NULL,"
    "  gap_bytes INTEGER NOT NULL,"
    "  gaps_unknown INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;",

    /* 1 -> 2 */
    /* What became of the source of a letter does not matter to it: it outlives its row. The wide
     * columns come last, so that what does not ask for them does not read them. */
    "CREATE TABLE dead_letters ("
    "  key INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  source INTEGER NOT NULL," /* its key, also after it is folded */
    "  folded_day TEXT,"         /* the day it was folded into; NULL: its row is there */
    "  bytes INTEGER NOT NULL,"  /* what counts towards the limit */
    "  refused_ns INTEGER NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  time_ns INTEGER NOT NULL,"
    "  serial INTEGER NOT NULL,"
    "  offset INTEGER NOT NULL,"
    "  stream TEXT NOT NULL,"
    "  flags INTEGER NOT NULL,"
    "  form TEXT NOT NULL," /* bytes, json */
    "  container_id TEXT NOT NULL,"
    "  container_name TEXT NOT NULL,"
    "  tty INTEGER NOT NULL,"
    "  answer TEXT NOT NULL,"
    "  labels TEXT NOT NULL," /* JSON, as they were rendered and in that order */
    "  message BLOB NOT NULL,"
    "  attrs BLOB NOT NULL"
    ") STRICT;"

    /* How many there are, and their bytes, without looking through them. */
    "ALTER TABLE route ADD COLUMN letters INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE route ADD COLUMN letter_bytes INTEGER NOT NULL DEFAULT 0;"
    "CREATE TRIGGER letter_added AFTER INSERT ON dead_letters BEGIN"
    "  UPDATE route SET letters = letters + 1, letter_bytes = letter_bytes + NEW.bytes;"
    "END;"
    "CREATE TRIGGER letter_dropped AFTER DELETE ON dead_letters BEGIN"
    "  UPDATE route SET letters = letters - 1, letter_bytes = letter_bytes - OLD.bytes;"
    "END;",
};
_Static_assert(ARRAY_SIZE(migrations) == LEDGER_SCHEMA_VERSION, "each version has its migration");

/* In the order in which letters.c puts and reads them. */
#define LETTER_COLUMNS                                                                             \
    "source, refused_ns, reason, answer, time_ns, serial, offset, stream, flags, form, "           \
    "container_id, container_name, tty, labels, message, attrs"
#define LETTER_PARAMETERS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

/* Of struct ledger_letter_filter. */
#define LETTERS_THAT_ARE_MEANT " WHERE (?1 = 0 OR key = ?1) AND (?2 IS NULL OR reason = ?2)"

#define REDEEM " SET lines_refused = lines_refused - 1, lines_delivered = lines_delivered + 1"

#define SELECT_FROM_SOURCES                                                                        \
    "SELECT key, id, name, removed_ns, " CURSOR_COLUMNS(                                           \
        "sources.") ", " TALLY_COLUMNS                                                             \
                    ", " OPEN_LINE_COLUMNS("o.") ", " OPEN_LINE_COLUMNS(                           \
                        "e.") " FROM sources"                                                      \
                              " LEFT JOIN open_lines AS o ON o.source = key AND o.stream = "       \
                              "'stdout'"                                                           \
                              " LEFT JOIN open_lines AS e ON e.source = key AND e.stream = "       \
                              "'stderr'"

static const char *const statements[LEDGER_STATEMENT_COUNT] = {
    [SELECT_ATTACHED] = "SELECT attached_ns FROM route",
    [SELECT_SOURCES] = SELECT_FROM_SOURCES " ORDER BY key",
    [SELECT_SOURCE] = SELECT_FROM_SOURCES " WHERE id = ?",
    [SELECT_OUTPUTS] = "SELECT path, " FILE_COLUMNS("") ", length FROM outputs ORDER BY path",
    [SELECT_GAPS] = "SELECT id, booked_ns, reason, gaps.serial, gaps.offset, bytes, after_ns,"
                    " before_ns FROM gaps JOIN sources ON sources.key = source ORDER BY gaps.key",

    [INSERT_SOURCE] = "INSERT INTO sources (id, name, " CURSOR_COLUMNS(
        "") ") VALUES (?, ?, " CURSOR_PARAMETERS ")",
    [UPDATE_SOURCE] = "UPDATE sources SET (" CURSOR_COLUMNS(
        "") ", " TALLY_COLUMNS ") = (" CURSOR_PARAMETERS ", " TALLY_PARAMETERS ") WHERE key = ?",
    [PUT_OPEN_LINE] = "INSERT OR REPLACE INTO open_lines (source, stream, " OPEN_LINE_COLUMNS(
        "") ") VALUES (?, ?, " OPEN_LINE_PARAMETERS ")",
    [UPDATE_NAME] = "UPDATE sources SET name = ? WHERE key = ?",
    [UPDATE_REMOVED] = "UPDATE sources SET removed_ns = ? WHERE key = ?",
    [INSERT_GAP] = "INSERT INTO gaps (booked_ns, reason, serial, offset, bytes, after_ns,"
                   " before_ns, source) SELECT ?, ?, ?, ?, ?, ?, ?, key FROM sources WHERE key = ?",
    [TRIM_GAPS] = "DELETE FROM gaps WHERE key <= (SELECT max(key) FROM gaps) - ?",
    [PUT_OUTPUT] =
        "INSERT OR REPLACE INTO outputs (path, " FILE_COLUMNS("") ", length)"
                                                                  " VALUES (?, " FILE_PARAMETERS
                                                                  ", ?)",
    [SETTLE] = "UPDATE route SET settled = settled + 1",

    [SELECT_FOLDABLE] = "SELECT date(removed_ns / 1000000000, 'unixepoch') AS day, " TALLY_COLUMNS
                        " FROM sources WHERE removed_ns < ? ORDER BY day",
    [SELECT_DAY] = "SELECT " TALLY_COLUMNS " FROM daily WHERE day = ?",
    [PUT_DAY] =
        "INSERT OR REPLACE INTO daily (day, " TALLY_COLUMNS ") VALUES (?, " TALLY_PARAMETERS ")",
    [DELETE_FOLDED_GAPS] = "DELETE FROM gaps WHERE source IN"
                           " (SELECT key FROM sources WHERE removed_ns < ?)",
    [DELETE_FOLDED_OPEN_LINES] = "DELETE FROM open_lines WHERE source IN"
                                 " (SELECT key FROM sources WHERE removed_ns < ?)",
    [DELETE_FOLDED_SOURCES] = "DELETE FROM sources WHERE removed_ns < ?",
    [SELECT_TALLIES] = "SELECT " TALLY_COLUMNS " FROM sources"
                       " UNION ALL SELECT " TALLY_COLUMNS " FROM daily",

    [INSERT_LETTER] =
        "INSERT INTO dead_letters (bytes, " LETTER_COLUMNS ") VALUES (?, " LETTER_PARAMETERS ")",
    [SELECT_LETTERS] =
        "SELECT key, " LETTER_COLUMNS " FROM dead_letters WHERE key > ? ORDER BY key",
    [SELECT_LETTER_REASONS] = "SELECT reason, count(*), sum(bytes), min(refused_ns),"
                              " max(refused_ns) FROM dead_letters GROUP BY reason ORDER BY reason",
    [SELECT_LETTER_SUMS] = "SELECT letters, letter_bytes FROM route",
    [COUNT_LETTERS] =
        "SELECT count(*), coalesce(max(key), 0) FROM dead_letters" LETTERS_THAT_ARE_MEANT,
    [UPDATE_LETTER] = "UPDATE dead_letters SET (refused_ns, reason, answer) = (?, ?, ?)"
                      " WHERE key = ?",
    [REDEEM_IN_SOURCE] = "UPDATE sources" REDEEM " WHERE lines_refused > 0 AND key ="
                         " (SELECT source FROM dead_letters WHERE key = ?)",
    [REDEEM_IN_DAY] = "UPDATE daily" REDEEM " WHERE lines_refused > 0 AND day ="
                      " (SELECT folded_day FROM dead_letters WHERE key = ?)",
    [DELETE_LETTER] = "DELETE FROM dead_letters WHERE key = ?",
    [DELETE_LETTERS] = "DELETE FROM dead_letters" LETTERS_THAT_ARE_MEANT,
    [FOLD_LETTERS] = "UPDATE dead_letters SET folded_day ="
                     " (SELECT date(removed_ns / 1000000000, 'unixepoch') FROM sources"
                     " WHERE sources.key = source)"
                     " WHERE source IN (SELECT key FROM sources WHERE removed_ns < ?)",
};

#define SETTINGS " PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -512;"

const char ledger_settings_sync_later[] = "PRAGMA synchronous = NORMAL;" SETTINGS;

const struct schema ledger_schema = {
    .kind = "ledger",
    .application_id = 0x746d6c67, /* "tmlg" */
    .migrations = migrations,
    .version = ARRAY_SIZE(migrations),
    .settings = "PRAGMA synchronous = FULL;" SETTINGS,
    .statements = statements,
    .statement_count = LEDGER_STATEMENT_COUNT,
};
