/* power — power cuts, as a route meets them whose ledger is synced now and then: all is left as it
 * is, but for the newest commits of its ledger, which are undone.
 *
 * Each sync leaves a copy of the ledger beside it; a cut puts that in its place. The sink here is
 * one that delivers once: what it wrote since the last sync is cut back when it starts again, by
 * the rows that were committed with the cursors. So the verdict needs no other rules.
 *
 * - Threads: power_sync_later in the process that is a life, power_cut where no life is.
 */
#pragma once

/* From now on ledgers are opened with LEDGER_SYNC_LATER, and copied as they are synced. */
void power_sync_later(const char *ledger);

/* Nobody may have the ledger open. `outputs`: the directory in which the outputs are; those that
 * the ledger does not know any more go, as the directory was not synced either. */
void power_cut(const char *ledger, const char *outputs);
