// SPDX-License-Identifier: Apache-2.0
#include "route/tty.h"

/* In JSON the `\r` is an escape, unless its backslash is itself escaped: an even number of
 * backslashes stands before it then. */
static size_t json_return_size(struct span m)
{
    static const struct span forms[] = {{"\\r", 2}, {"\\u000d", 6}, {"\\u000D", 6}};
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (!span_ends_with(m, forms[i]))
            continue;
        size_t backslashes = 0;
        for (size_t at = m.size - forms[i].size; at > 0 && m.data[at - 1] == '\\'; at--)
            backslashes++;
        return backslashes % 2 == 0 ? forms[i].size : 0;
    }
    return 0;
}

void tty_strip(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct entry *e = &batch->entries[i];
        if (e->flags & (ENTRY_UNTERMINATED | ENTRY_PARTIAL))
            continue;
        if (batch->form == FORM_JSON)
            e->message.size -= json_return_size(e->message);
        else if (e->message.size && e->message.data[e->message.size - 1] == '\r')
            e->message.size--;
    }
}
