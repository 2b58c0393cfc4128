/* json_pairs — the members of a JSON object as pairs: labels, and networks with their addresses.
 *
 * - Owns: *ret_items is the caller's, given back with json_pairs_free; its strings are the
 *   document's.
 * - Errors: 0 or -ENOMEM; a wrong type is noted in the document.
 */
#pragma once

#include "docker/json_document.h"
#include "model/container.h"

/* name -> text; null is "". */
int json_pairs_texts(struct json_document *d, const char *path, struct pair **ret_items,
                     struct pairs *ret) MUST_CHECK;

/* network -> its IPAddress, else its GlobalIPv6Address, else "" (S12, S15). */
int json_pairs_addresses(struct json_document *d, const char *path, struct pair **ret_items,
                         struct pairs *ret) MUST_CHECK;

struct pair *json_pairs_free(struct pair *items);
DEFINE_CLEANUP(struct pair *, json_pairs_free)
