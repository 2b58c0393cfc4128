/* gap — what of a source can no longer be read: always booked, never silent. */
#pragma once

#include <stdint.h>

/* One line each: enumerator, the word in the ledger, the metrics and the docs, what it means. The
 * words are stable. */
#define GAP_REASONS(X)                                                                             \
    X(GAP_ROTATED, "rotated",                                                                      \
      "generations that Docker rotated away before they were seen or read")                        \
    X(GAP_PIN_QUOTA, "pin_quota", "unread bytes given up because the pin quota was reached")       \
    X(GAP_PIN_DROPPED, "pin_dropped", "unread bytes given up by `pins drop`")                      \
    X(GAP_REMOVED, "removed", "unread bytes of a removed container that no pin kept")              \
    X(GAP_TRUNCATED, "truncated", "the file was emptied or replaced in place")                     \
    X(GAP_TAIL_CUT, "tail_cut", "the file lost its tail")                                          \
    X(GAP_REWRITTEN, "rewritten",                                                                  \
      "other bytes stand where we had read; reading went on after them")                           \
    X(GAP_NUL, "nul", "a run of NUL bytes")                                                        \
    X(GAP_TORN, "torn", "a fragment of a record before one that decodes")                          \
    X(GAP_MALFORMED, "malformed", "a line that is no record")                                      \
    X(GAP_TOO_LONG, "too_long", "a raw record over the maximum")                                   \
    X(GAP_GZIP, "gzip", "a compressed rotation that is unfinished or damaged")                     \
    X(GAP_EMPTY_ROTATION, "empty_rotation", "a rotation of zero bytes, as a power cut leaves it")  \
    X(GAP_OPEN_LINE, "open_line",                                                                  \
      "pieces of a line that had not ended and could not be read again")                           \
    X(GAP_DROPPED, "dropped",                                                                      \
      "what Docker (`mode=non-blocking`) or journald (its rate limit) dropped unwritten")          \
    X(GAP_AMBIGUOUS, "ambiguous", "segments that could not be told apart; the oldest was taken")

enum gap_reason {
#define X(name, word, help) name,
    GAP_REASONS(X)
#undef X
        GAP_REASON_COUNT
};

#define GAP_BYTES_UNKNOWN INT64_C(-1)
#define GAP_TIME_UNKNOWN  INT64_MIN

struct gap {
    enum gap_reason reason;
    uint64_t serial;   /* the segment or hole it lies in */
    uint64_t offset;   /* of its first byte in the segment; 0 for a hole */
    int64_t bytes;     /* GAP_BYTES_UNKNOWN where nobody can know */
    int64_t after_ns;  /* time of the last record before it, GAP_TIME_UNKNOWN if none */
    int64_t before_ns; /* time of the first record after it, GAP_TIME_UNKNOWN if not seen yet */
};

const char *gap_reason_word(enum gap_reason reason);
/* -1 for an unknown word. */
int gap_reason_from_word(const char *word);
