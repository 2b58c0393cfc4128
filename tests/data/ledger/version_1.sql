-- A ledger of schema 1: before there were dead letters.
CREATE TABLE route (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  attached_ns INTEGER NOT NULL,
  settled INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE sources (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  removed_ns INTEGER,
  position TEXT NOT NULL,
  serial INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  birth_ns INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  last_ns INTEGER,
  last_hash INTEGER NOT NULL,
  last_size INTEGER NOT NULL,
  skipping INTEGER NOT NULL,
  stdout_open TEXT NOT NULL,
  stderr_open TEXT NOT NULL,
  lines_read INTEGER NOT NULL DEFAULT 0,
  lines_delivered INTEGER NOT NULL DEFAULT 0,
  lines_filtered INTEGER NOT NULL DEFAULT 0,
  lines_refused INTEGER NOT NULL DEFAULT 0,
  lines_lost INTEGER NOT NULL DEFAULT 0,
  records_read INTEGER NOT NULL DEFAULT 0,
  bytes_read INTEGER NOT NULL DEFAULT 0,
  bytes_records INTEGER NOT NULL DEFAULT 0,
  bytes_blank INTEGER NOT NULL DEFAULT 0,
  bytes_gap INTEGER NOT NULL DEFAULT 0,
  bytes_skipped INTEGER NOT NULL DEFAULT 0,
  gaps INTEGER NOT NULL DEFAULT 0,
  gap_bytes INTEGER NOT NULL DEFAULT 0,
  gaps_unknown INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE open_lines (
  source INTEGER NOT NULL REFERENCES sources (key),
  stream TEXT NOT NULL,
  serial INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  birth_ns INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  time_ns INTEGER,
  continued INTEGER NOT NULL,
  PRIMARY KEY (source, stream)) STRICT, WITHOUT ROWID;
CREATE TABLE gaps (
  key INTEGER PRIMARY KEY,
  source INTEGER NOT NULL REFERENCES sources (key),
  booked_ns INTEGER NOT NULL,
  reason TEXT NOT NULL,
  serial INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  bytes INTEGER,
  after_ns INTEGER,
  before_ns INTEGER) STRICT;
CREATE TABLE outputs (
  path TEXT PRIMARY KEY,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  birth_ns INTEGER NOT NULL,
  length INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE daily (
  day TEXT PRIMARY KEY,
  lines_read INTEGER NOT NULL,
  lines_delivered INTEGER NOT NULL,
  lines_filtered INTEGER NOT NULL,
  lines_refused INTEGER NOT NULL,
  lines_lost INTEGER NOT NULL,
  records_read INTEGER NOT NULL,
  bytes_read INTEGER NOT NULL,
  bytes_records INTEGER NOT NULL,
  bytes_blank INTEGER NOT NULL,
  bytes_gap INTEGER NOT NULL,
  bytes_skipped INTEGER NOT NULL,
  gaps INTEGER NOT NULL,
  gap_bytes INTEGER NOT NULL,
  gaps_unknown INTEGER NOT NULL) STRICT, WITHOUT ROWID;

INSERT INTO route VALUES (1, 1700000000000000001, 3);
INSERT INTO sources VALUES (4, 'a', 'web', NULL, 'at', 7,
  'fedcba98765432108000000000000001', 3, 4, 5, 900, 1700000000000000002, 6, 8, 0, 'none', 'line',
  10, 9, 0, 0, 1, 10, 1000, 900, 0, 100, 0, 1, 100, 0);
INSERT INTO sources VALUES (5, 'b', 'gone', 1700000000000000003, 'done', 2,
  '', 0, 0, 0, 50, NULL, 0, 0, 0, 'none', 'none',
  5, 5, 0, 0, 0, 5, 50, 50, 0, 0, 0, 0, 0, 0);
INSERT INTO open_lines VALUES (4, 'stderr', 7, '', 3, 4, 5, 880, 1700000000000000002, 0);
INSERT INTO gaps VALUES (1, 4, 1700000000000000004, 'torn', 7, 100, 100, NULL, NULL);
INSERT INTO outputs VALUES ('/out/web.ndjson', 1, 2, 3, 456);
INSERT INTO daily VALUES ('2023-11-14', 3, 3, 0, 0, 0, 3, 30, 30, 0, 0, 0, 0, 0, 0);
PRAGMA application_id = 0x746d6c67;
PRAGMA user_version = 1;
