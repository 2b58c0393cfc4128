/* book — ledgers for the tests: opened, filled and read back. */
#pragma once

#include "ledger/ledger.h"

/* When every book of the tests was attached. */
#define ATTACHED_NS INT64_C(1700000000000000001)

/* Opens, failing the test where that fails. */
struct ledger *book_open(const char *path);
struct ledger *book_open_to_read(const char *path);

/* A cursor at `offset`, and a tally of that many bytes and lines. */
struct cursor book_cursor(uint64_t offset);
struct tally book_tally(uint64_t lines);

/* Each in a transaction of its own. */
uint32_t book_add(struct ledger *l, const char *id);
void book_put(struct ledger *l, uint32_t key, uint64_t offset);

/* The offset of the source; UINT64_MAX where the book has none of that id. */
uint64_t book_offset(struct ledger *l, const char *id);
size_t book_source_count(struct ledger *l);
