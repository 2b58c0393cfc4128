// SPDX-License-Identifier: Apache-2.0
#include "source/local_file/escape.h"

#include "base/utf8.h"
#include "source/json_file/text.h"

bool escape_none(struct span bytes)
{
    return text_plain_run(bytes) == bytes.size && utf8_valid(bytes);
}

/* Text without a character that is escaped. */
static char *write_run(char *to, struct span run)
{
    if (utf8_valid(run)) {
        memcpy(to, run.data, run.size);
        return to + run.size;
    }
    while (run.size) {
        size_t size = utf8_sequence(run);
        if (size)
            memcpy(to, run.data, size);
        to += size ? size : utf8_put(to, 0xfffd);
        run.data += size ? size : 1;
        run.size -= size ? size : 1;
    }
    return to;
}

static char *write_escape(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
    };
    *to++ = '\\';
    if (letters[c]) {
        *to++ = letters[c];
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = hex[c >> 4];
    to[4] = hex[c & 15];
    return to + 5;
}

size_t escape_write(char *to, struct span bytes)
{
    char *start = to;
    while (bytes.size) {
        size_t run = text_plain_run(bytes);
        to = write_run(to, (struct span){bytes.data, run});
        if (run < bytes.size)
            to = write_escape(to, (unsigned char)bytes.data[run++]);
        bytes.data += run;
        bytes.size -= run;
    }
    return (size_t)(to - start);
}
