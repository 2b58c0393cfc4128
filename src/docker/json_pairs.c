// SPDX-License-Identifier: Apache-2.0
#include "docker/json_pairs.h"

#include <errno.h>

typedef const char *value_reader(struct json_document *d, const char *path, const char *key,
                                 json_t *value);

static const char *text_value(struct json_document *d, const char *path, const char *key,
                              json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (!json_is_null(value))
        json_document_wrong(d, path, key, "a string", value);
    return "";
}

static const char *address_value(struct json_document *d, const char *path, const char *key,
                                 json_t *value)
{
    static const char *const members[] = {"IPAddress", "GlobalIPv6Address"};

    if (json_is_null(value))
        return "";
    if (!json_is_object(value)) {
        json_document_wrong(d, path, key, "an object", value);
        return "";
    }
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *address = json_object_get(value, members[i]);
        const char *text = address ? text_value(d, path, key, address) : "";
        if (*text)
            return text;
    }
    return "";
}

static int members_as_pairs(struct json_document *d, const char *path, value_reader *read,
                            struct pair **ret_items, struct pairs *ret)
{
    json_t *object = json_document_object(d, path);
    size_t size = json_object_size(object);

    *ret_items = NULL;
    *ret = (struct pairs){0};
    if (size == 0)
        return 0;
    struct pair *items = malloc(size * sizeof(*items));
    if (!items)
        return -ENOMEM;

    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) items[count++] =
        (struct pair){.key = key, .value = read(d, path, key, value)};
    *ret_items = items;
    *ret = (struct pairs){.items = items, .count = count};
    return 0;
}

int json_pairs_texts(struct json_document *d, const char *path, struct pair **ret_items,
                     struct pairs *ret)
{
    return members_as_pairs(d, path, text_value, ret_items, ret);
}

int json_pairs_addresses(struct json_document *d, const char *path, struct pair **ret_items,
                         struct pairs *ret)
{
    return members_as_pairs(d, path, address_value, ret_items, ret);
}

struct pair *json_pairs_free(struct pair *items)
{
    free(items);
    return NULL;
}
