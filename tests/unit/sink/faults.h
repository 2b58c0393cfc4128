/* faults — the calls that write files, wrapped at link time: counted, and failing when told to.
 *
 * A plan fails, or ends the process at, one of the calls to come. A write that fails has written a
 * part of its bytes before, as one on a full disk does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum fault_call {
    FAULT_WRITE = 1 << 0,    /* pwrite, write to a file */
    FAULT_SYNC = 1 << 1,     /* fdatasync, fsync */
    FAULT_TRUNCATE = 1 << 2, /* ftruncate */
    FAULT_NAME = 1 << 3,     /* renameat2, unlink */
    FAULT_ANY = (1 << 4) - 1,
};

struct fault_plan {
    unsigned calls; /* which calls count */
    unsigned after; /* this many pass before */
    int code;       /* errno; 0: the process is killed */
};

void faults_plan(struct fault_plan plan);
void faults_none(void);
/* True where the plan has struck. */
bool faults_struck(void);
/* Calls since the last plan. */
unsigned faults_counted(unsigned calls);
/* Descriptors written to and not synced since. */
size_t faults_unsynced(void);
/* Write-outs started before the first sync since the last plan. */
unsigned faults_started_ahead(void);
/* They were closed, and what was written to them is void. */
void faults_forget_unsynced(void);
