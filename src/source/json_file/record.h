/* record — one json-file line taken apart, whatever the order of its members.
 *
 * The spans are raw text of the line: strings without their quotes, still escaped. All of the line
 * is checked against the JSON grammar, every escape included, but not for UTF-8.
 *
 * - Owns: nothing.
 * - Limits: RECORD_DEPTH_MAX levels of nesting, so that hostile input costs neither stack nor time.
 * - Source of the format: RFC 8259.
 */
#pragma once

#include "base/span.h"

enum { RECORD_DEPTH_MAX = 32 /* levels, the record itself included */ };

struct record {
    struct span log;
    struct span stream; /* data is NULL where there is none, or none that is a string */
    struct span time;   /* likewise */
    struct span attrs;  /* the object with its braces; data is NULL where there is none */
};

/* False where `line` (white space around it allowed) is no object with a string `log`. The last of
 * equal keys counts. */
bool record_parse(struct span line, struct record *ret);
