/* ledger_private — the ledger's inside, for its parts: ledger.c (sources, gaps, outputs), letters.c
 * (dead letters). */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "ledger/database.h"
#include "ledger/ledger.h"

struct container;

struct ledger {
    struct database *database; /* owned */
    int64_t attached_ns;
    bool unsettled; /* a commit failed: see ledger_settle */
    bool sync_later;
    bool unsynced; /* commits that a power cut would undo */
    /* The labels of the letters put last, as text; those of another container replace them. */
    const struct container *labels_of; /* borrowed, within one transaction; NULL: nobody */
    struct buf labels;
};

/* Before anything is read or written. */
int ledger_settle(struct ledger *l, struct error *error) MUST_CHECK;
