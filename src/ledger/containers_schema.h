/* containers_schema — the tables of containers.db and the statements on them. */
#pragma once

#include "ledger/database.h"

enum containers_statement {
    SELECT_CONTAINERS,
    SELECT_SEGMENTS,
    SELECT_ERAS,
    PUT_CONTAINER,
    PUT_SEGMENT,
    DELETE_SEGMENT,
    PUT_ERA,
    DELETE_SEGMENTS,
    DELETE_ERAS,
    DELETE_CONTAINER,
    CONTAINERS_STATEMENT_COUNT
};

extern const struct schema containers_schema;
