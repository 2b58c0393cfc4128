// SPDX-License-Identifier: Apache-2.0
#include "ledger/label_text.h"

#include <errno.h>

#include "base/json_print.h"
#include "base/json_text.h"

void label_text_write(struct buf *to, const struct pairs *labels)
{
    json_print_begin(to, NULL, '{');
    for (size_t i = 0; i < labels->count; i++)
        json_print_text(to, labels->items[i].key, labels->items[i].value);
    json_print_end(to, '}');
}

static bool take(struct span *rest, char c)
{
    if (rest->size == 0 || *rest->data != c)
        return false;
    rest->data++;
    rest->size--;
    return true;
}

/* The next string, unescaped and NUL-terminated; NULL where there is none. The NUL has the room of
 * its quotes, so that all strings fit where the text would. */
static const char *take_string(struct span *rest, char **room)
{
    if (!take(rest, '"'))
        return NULL;
    size_t size = 0;
    while (size < rest->size && rest->data[size] != '"')
        size += rest->data[size] == '\\' ? 2 : 1;
    if (size >= rest->size)
        return NULL;

    char *text = *room;
    *room += json_text_unescape(text, (struct span){rest->data, size});
    *(*room)++ = '\0';
    rest->data += size + 1;
    rest->size -= size + 1;
    return text;
}

static bool take_pair(struct span *rest, char **room, struct pair *ret)
{
    ret->key = take_string(rest, room);
    if (!ret->key || !take(rest, ':'))
        return false;
    ret->value = take_string(rest, room);
    return ret->value;
}

/* There are at most as many pairs. */
static size_t count_colons(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == ':';
    return count;
}

int label_text_read(struct span text, struct pairs *ret)
{
    size_t count = 0, count_max = count_colons(text);
    CLEANUP_FREE struct pair *items = malloc(count_max * sizeof(*items) + text.size + BUF_SLACK);
    if (!items)
        return -ENOMEM;
    char *room = (char *)(items + count_max);

    if (!take(&text, '{'))
        return -EBADMSG;
    while (text.size && *text.data != '}') {
        if (count == count_max || (count > 0 && !take(&text, ',')) ||
            !take_pair(&text, &room, &items[count]))
            return -EBADMSG;
        count++;
    }
    if (!take(&text, '}') || text.size)
        return -EBADMSG;
    *ret = (struct pairs){.items = TAKE(items), .count = count};
    return 0;
}
