// SPDX-License-Identifier: Apache-2.0
/* Lists and maps of texts. */
#include "agent/config_secret.h"
#include "sink/secret_header.h"

#include <errno.h>

int config_texts(struct config_reader *r, const struct config_key *key,
                 const struct config_node *value, struct option_texts *ret)
{
    const struct config_node *item = value;
    size_t count = 1;

    if (value->kind == NODE_LIST) {
        item = value->first;
        count = config_node_count(value);
    }
    if (count == 0)
        return config_error(&r->file, value,
                            "\"%s\" is an empty list; leave the key out, or fill it", key->path);

    const char **items = config_storage_take(r->storage, count, sizeof(*items));
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++, item = item->next) {
        int code = config_text(r, key, item, &items[i]);
        if (code < 0)
            return code;
    }
    *ret = (struct option_texts){items, count};
    return 0;
}

void config_texts_print(FILE *to, struct option_texts texts)
{
    fputs(" [", to);
    for (size_t i = 0; i < texts.count; i++) {
        fputs(i ? ", " : "", to);
        config_print_quoted(to, texts.items[i], true);
    }
    fputs("]\n", to);
}

static int texts_set(struct config_reader *r, const struct config_key *key,
                     const struct config_node *value, void *field)
{
    struct option_texts texts;

    if (value->kind != NODE_LIST)
        return config_error(&r->file, value, "\"%s\" must be %s", key->path, key->type->expects);
    int code = config_texts(r, key, value, &texts);
    if (code < 0)
        return code;
    const struct config_node *item = value->first;
    for (size_t i = 0; i < texts.count; i++, item = item->next)
        for (size_t j = 0; j < i; j++)
            if (strcmp(texts.items[i], texts.items[j]) == 0)
                return config_error(&r->file, item, "\"%s\" has \"%s\" twice", key->path,
                                    texts.items[i]);
    *(struct option_texts *)field = texts;
    return 0;
}

static bool texts_present(const struct config_key *key, const void *field)
{
    return ((const struct option_texts *)field)->count > 0;
}

static void texts_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    config_texts_print(to, *(const struct option_texts *)field);
}

/* RFC 9110's token; a name that is none is not quoted, since a value may have got into it. */
static bool is_header_name(struct span name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !memchr(others, c, sizeof(others) - 1))
            return false;
    }
    return name.size > 0;
}

/* `read` is for the values. */
static int read_pairs(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, struct option_pairs *ret,
                      int (*read)(struct config_reader *r, const struct config_key *key,
                                  const struct config_node *value, const char **ret))
{
    if (value->kind != NODE_MAP || !value->first)
        return config_error(&r->file, value, "\"%s\" must be %s", key->path, key->type->expects);

    size_t count = config_node_count(value);
    struct option_pair *items = config_storage_take(r->storage, count, sizeof(*items));
    if (!items)
        return -ENOMEM;
    const struct config_node *node = value->first;
    for (size_t i = 0; i < count; i++, node = node->next) {
        items[i].key = config_storage_copy(r->storage, node->key->text);
        if (!items[i].key)
            return -ENOMEM;
        int code = read(r, key, node, &items[i].value);
        if (code < 0)
            return code;
    }
    *ret = (struct option_pairs){items, count};
    return 0;
}

static int pairs_set(struct config_reader *r, const struct config_key *key,
                     const struct config_node *value, void *field)
{
    return read_pairs(r, key, value, field, config_text);
}

static int header_value(struct config_reader *r, const struct config_key *key,
                        const struct config_node *value, const char **ret)
{
    if (!is_header_name(value->key->text))
        return config_error(&r->file, value->key,
                            "\"%s\" has a name that is none of a header's: letters, digits and "
                            "\"-\", then a colon and the value",
                            key->path);
    char name[CONFIG_KEY_SIZE_MAX + 1];
    snprintf(name, sizeof(name), "%.*s", (int)value->key->text.size, value->key->text.data);
    return config_secret(r, key, value, secret_header_named(name) ? 0 : CONFIG_TEXT_LABELLED, ret);
}

static int headers_set(struct config_reader *r, const struct config_key *key,
                       const struct config_node *value, void *field)
{
    return read_pairs(r, key, value, field, header_value);
}

static bool pairs_present(const struct config_key *key, const void *field)
{
    return ((const struct option_pairs *)field)->count > 0;
}

static void print_name(FILE *to, const char *name, int indent)
{
    fprintf(to, "%*s", indent, "");
    config_print_quoted(to, name, false);
    fputc(':', to);
}

static void print_text(FILE *to, const char *text)
{
    fputc(' ', to);
    config_print_quoted(to, text, true);
    fputc('\n', to);
}

static void pairs_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct option_pairs *pairs = field;

    fputc('\n', to);
    for (size_t i = 0; i < pairs->count; i++) {
        print_name(to, pairs->items[i].key, indent);
        print_text(to, pairs->items[i].value);
    }
}

static void headers_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct option_pairs *headers = field;

    fputc('\n', to);
    for (size_t i = 0; i < headers->count; i++) {
        print_name(to, headers->items[i].key, indent);
        if (secret_header_named(headers->items[i].key))
            config_secret_print(to, headers->items[i].value);
        else
            print_text(to, headers->items[i].value);
    }
}

const struct config_type config_type_texts = {"a list of texts", texts_set, texts_present,
                                              texts_print};
const struct config_type config_type_pairs = {"a map of names, each with a text", pairs_set,
                                              pairs_present, pairs_print};
const struct config_type config_type_headers = {"a map of headers, each with a text", headers_set,
                                                pairs_present, headers_print};
