/* path_template — the output path of a container: "/var/log/apps/{compose_project}/{image}.log".
 *
 * A text_template that is an absolute path without empty, `.` or `..` components.
 *
 * What a container is called must not choose a directory, so within rendered values `/` and control
 * bytes become `_`, a missing value is `_`, and a component that values turn into `.` or `..`
 * becomes `_` or `__`. A component over 255 bytes is cut and ends in `-` and eight hex digits of a
 * hash of all of it, so that two long names stay two. Containers whose names differ only in what is
 * replaced share an output.
 *
 * - Owns: a copy of the text. Immutable once parsed.
 * - Limits: PATH_BYTES_MAX for a rendered path.
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "base/span.h"
#include "model/container.h"

#include <stdbool.h>

struct path_template;

/* -EINVAL with the column and the cause; -ENOMEM. */
int path_template_parse(struct path_template **ret, const char *text, struct error *error)
    MUST_CHECK;
struct path_template *path_template_free(struct path_template *t);
DEFINE_CLEANUP(struct path_template *, path_template_free)

/* What all its paths end in: its text behind the last placeholder or brace. Points into it. */
struct span path_template_ending(const struct path_template *t);
/* It has placeholders. */
bool path_template_varies(const struct path_template *t);

/* Has names be cut so that one beside the output may be this much longer; at most 100 bytes. */
void path_template_leave_room(struct path_template *t, size_t bytes);

/* Writes the path of `c`, NUL-terminated. -ENAMETOOLONG with words; -ENOMEM. */
int path_template_render(const struct path_template *t, const struct container *c,
                         char to[PATH_BYTES_MAX], struct error *error) MUST_CHECK;
