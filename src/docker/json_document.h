/* json_document — one JSON text of Docker's, read member by member with words for what is wrong.
 *
 * A member is named by its path, "State.Health.Status". Absent and null are the same and give the
 * empty value. The first member of a wrong type is remembered (document, path, what was expected);
 * what is asked later gives empty values, so that a reader of many members checks once, at its end.
 *
 * - Owns: the parsed tree; what is handed out lives as long.
 * - Limits: CONTAINER_JSON_MAX bytes of text: -EFBIG. A string ends at its first NUL.
 * - Thread: one.
 * - Errors: 0, -errno with words, JSON_DOCUMENT_E_CUT.
 */
#pragma once

#include "base/error.h"
#include "base/span.h"
#include "docker/json_memory.h"

#include <jansson.h>

enum { JSON_DOCUMENT_E_CUT = 1 /* the text ends before its value does: try again later */ };

struct json_document {
    const char *name; /* for the words: "config.v2.json"; not owned */
    json_t *root;     /* an object */
    struct json_memory memory;
    struct error *error; /* not owned, may be NULL */
    int failed;          /* 0 or -EBADMSG, sticky */
};

int json_document_init(struct json_document *d, const char *name, struct span text,
                       struct error *error) MUST_CHECK;
void json_document_deinit(struct json_document *d);
static inline void json_document_deinit_cleanup(struct json_document *d)
{
    json_document_deinit(d);
}

const char *json_document_text(struct json_document *d, const char *path); /* never NULL */
bool json_document_flag(struct json_document *d, const char *path);
/* Signed 64 bits; 0 where absent. */
int64_t json_document_integer(struct json_document *d, const char *path);
/* NULL where absent. */
json_t *json_document_object(struct json_document *d, const char *path);
/* Of any type; NULL where absent or null. */
json_t *json_document_any(struct json_document *d, const char *path);

/* Notes a wrong type at `path`, or at its member `key` where that is not NULL. */
void json_document_wrong(struct json_document *d, const char *path, const char *key,
                         const char *expected, const json_t *found);
