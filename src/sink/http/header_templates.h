/* header_templates — headers whose values hold labels of a container: "X-Tenant:
 * {compose_project}".
 *
 * A request has one set of headers, so lines whose containers render another one go in another.
 * What is rendered is one word (base/word.h): the same text is the same pointer, which a sink gives
 * its route as the group of a target.
 *
 * What a label holds ends no header and begins none: its control bytes become `_`, as a missing or
 * blank value is one. A value over HEADER_VALUE_MAX bytes is cut as long names of outputs are.
 *
 * - Owns: the templates. Borrows the names.
 * - Errors: -ENOMEM, with words where there is an error.
 * - Thread: one.
 */
#pragma once

#include "sink/text_template.h"

enum { HEADER_VALUE_MAX = 1024 /* bytes; servers take some kilobytes of all headers together */ };

struct header_template {
    const char *name;
    struct text_template *value; /* owned */
};

struct header_templates {
    struct header_template *items; /* owned */
    size_t count;
};

void header_templates_deinit(struct header_templates *h);

/* One more. `value` is taken, also where there is no memory. */
int header_templates_add(struct header_templates *h, const char *name, struct text_template *value)
    MUST_CHECK;

/* Full lines, each with a newline behind it; *ret is to be given back with word_drop. NULL where
 * there are no templates. */
int header_templates_render(const struct header_templates *h, const struct container *c,
                            const char **ret, struct error *error) MUST_CHECK;
