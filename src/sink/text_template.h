/* text_template — a text with labels of a container in it: "{compose_project}-{container_name}".
 *
 * A placeholder is the name of a rendered label (S32 to S43). `{{` and `}}` stand for the braces.
 * A label that the container does not have is `_`.
 *
 * - Owns: a copy of the text. Immutable once parsed.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "model/container.h"

#include <stdbool.h>

struct text_template;

/* -EINVAL with the column and the cause; -ENOMEM. */
int text_template_parse(struct text_template **ret, const char *text, struct error *error)
    MUST_CHECK;
struct text_template *text_template_free(struct text_template *t);
DEFINE_CLEANUP(struct text_template *, text_template_free)

/* It has placeholders. */
bool text_template_varies(const struct text_template *t);
/* What all its texts end in: its own behind the last placeholder or brace. Points into it. */
struct span text_template_ending(const struct text_template *t);

/* Appends the text for `c` (NULL where it does not vary). Within labels control bytes, and the byte
 * `unwanted`, become `_`. */
void text_template_append(const struct text_template *t, const struct container *c, char unwanted,
                          struct buf *to);

/* Appends a text, of which what is past `size_max` bytes is cut: then it ends in `-` and eight hex
 * digits of a hash of all of it, so that two long ones stay two. */
void text_template_append_cut(struct buf *to, struct span text, size_t size_max);
