/* ledger_schema — the tables of a route's ledger and the statements on them.
 *
 * For people: `sqlite3 -readonly state/routes/NAME.db 'select name, position, offset from
 * sources'`.
 */
#pragma once

#include "ledger/database.h"

enum ledger_statement {
    SELECT_ATTACHED,
    SELECT_SOURCES,
    SELECT_SOURCE,
    SELECT_OUTPUTS,
    SELECT_GAPS,
    INSERT_SOURCE,
    UPDATE_SOURCE,
    PUT_OPEN_LINE,
    UPDATE_NAME,
    UPDATE_REMOVED,
    INSERT_GAP,
    TRIM_GAPS,
    PUT_OUTPUT,
    SETTLE,
    SELECT_FOLDABLE,
    SELECT_DAY,
    PUT_DAY,
    DELETE_FOLDED_GAPS,
    DELETE_FOLDED_OPEN_LINES,
    DELETE_FOLDED_SOURCES,
    SELECT_TALLIES,
    INSERT_LETTER,
    SELECT_LETTERS,
    SELECT_LETTER_REASONS,
    SELECT_LETTER_SUMS,
    COUNT_LETTERS,
    UPDATE_LETTER,
    REDEEM_IN_SOURCE,
    REDEEM_IN_DAY,
    DELETE_LETTER,
    DELETE_LETTERS,
    FOLD_LETTERS,
    LEDGER_STATEMENT_COUNT
};

/* A new ledger's schema also needs `first_rows` (ledger.c). */
extern const struct schema ledger_schema;
/* Its settings with LEDGER_SYNC_LATER. */
extern const char ledger_settings_sync_later[];
