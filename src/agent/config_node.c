// SPDX-License-Identifier: Apache-2.0
#include "agent/config_node.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

struct parser {
    yaml_parser_t yaml;
    const struct config_file *file;
    struct config_storage *storage;
    struct span text;
};

static void yaml_event_delete_cleanup(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static void parser_deinit_cleanup(struct parser *p)
{
    yaml_parser_delete(&p->yaml);
}

static int error_at(const struct config_file *file, size_t line, size_t column, const char *words)
{
    return error_set(file->error, -EINVAL, "%s:%zu:%zu: %s", file->name, line, column, words);
}

int config_error(const struct config_file *file, const struct config_node *at, const char *format,
                 ...)
{
    char words[ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    return error_at(file, at->line, at->column, words);
}

/* For what has no place of YAML's own: the place of a byte. */
static int error_at_byte(const struct config_file *file, struct span text, size_t offset,
                         const char *words)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < offset && i < text.size; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.data[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    return error_at(file, line, column, words);
}

static int error_at_mark(const struct parser *p, yaml_mark_t mark, const char *words)
{
    return error_at(p->file, mark.line + 1, mark.column + 1, words);
}

bool config_text_is_plain(struct span text)
{
    size_t i = 0;

    while (i < text.size) {
        const unsigned char *c = (const unsigned char *)text.data + i;
        size_t size = utf8_sequence((struct span){text.data + i, text.size - i});
        if (size == 0 || c[0] < 0x20 || c[0] == 0x7F)
            return false;
        /* C1 controls with NEL; line and paragraph separators; U+FEFF; U+FFFE and U+FFFF. */
        if ((size == 2 && c[0] == 0xC2 && c[1] < 0xA0) ||
            (size == 3 && c[0] == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9)) ||
            (size == 3 && c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF) ||
            (size == 3 && c[0] == 0xEF && c[1] == 0xBF && c[2] >= 0xBE))
            return false;
        i += size;
    }
    return true;
}

const struct config_node *config_node_find(const struct config_node *map, const char *key)
{
    const struct config_node *node = map->first;

    while (node && strcmp(node->key->text.data, key) != 0)
        node = node->next;
    return node;
}

size_t config_node_count(const struct config_node *node)
{
    size_t count = 0;

    for (const struct config_node *item = node->first; item; item = item->next)
        count++;
    return count;
}

/* libyaml's own complaint. */
static int syntax_error(const struct parser *p)
{
    const yaml_parser_t *yaml = &p->yaml;
    char words[256];

    if (yaml->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (yaml->error == YAML_READER_ERROR)
        return error_at_byte(p->file, p->text, yaml->problem_offset, yaml->problem);

    snprintf(words, sizeof(words), "not valid YAML: %s%s%s", yaml->problem,
             yaml->context ? " " : "", yaml->context ? yaml->context : "");
    return error_at_mark(p, yaml->problem_mark, words);
}

static int next_event(struct parser *p, yaml_event_t *event)
{
    yaml_event_delete(event);
    return yaml_parser_parse(&p->yaml, event) ? 0 : syntax_error(p);
}

/* Anchors and tags would give a text a second meaning. */
static int refuse_decoration(const struct parser *p, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;

    if (event->type == YAML_ALIAS_EVENT)
        return error_at_mark(p, event->start_mark,
                             "YAML aliases are not supported: write the value out (in quotes, if a "
                             "\"*\" begins it)");
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor)
        return error_at_mark(p, event->start_mark,
                             "YAML anchors are not supported: write the value out (in quotes, if "
                             "an \"&\" begins it)");
    if (tag)
        return error_at_mark(p, event->start_mark,
                             "YAML tags are not supported: write the value without its tag (in "
                             "quotes, if a \"!\" begins it)");
    return 0;
}

static int parse_text(struct parser *p, const yaml_event_t *event, struct config_node *node)
{
    struct span text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (!config_text_is_plain(text))
        return config_error(p->file, node,
                            "a value is one line of text without control characters");

    node->empty = text.size == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = (struct span){config_storage_copy(p->storage, text), text.size};
    return node->text.data ? 0 : -ENOMEM;
}

static int parse_node(struct parser *p, const yaml_event_t *event, unsigned depth,
                      struct config_node **ret);

static int parse_list(struct parser *p, unsigned depth, struct config_node *node)
{
    CLEANUP(yaml_event_delete) yaml_event_t event = {0};
    struct config_node **end = &node->first;

    for (;;) {
        int code = next_event(p, &event);
        if (code < 0)
            return code;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        code = parse_node(p, &event, depth + 1, end);
        if (code < 0)
            return code;
        end = &(*end)->next;
    }
}

static int check_key(const struct parser *p, const struct config_node *map,
                     const struct config_node *key)
{
    if (key->kind != NODE_TEXT)
        return config_error(p->file, key, "a key is a text, not a list or a map");
    if (key->text.size > CONFIG_KEY_SIZE_MAX)
        return config_error(p->file, key, "a key of more than %d bytes", CONFIG_KEY_SIZE_MAX);

    unsigned count = 0;
    for (const struct config_node *other = map->first; other; other = other->next) {
        if (span_equal(other->key->text, key->text))
            return config_error(p->file, key, "duplicate key \"%s\": it is in line %zu already",
                                key->text.data, other->key->line);
        count++;
    }
    if (count == CONFIG_KEYS_MAX)
        return config_error(p->file, key, "more than %d keys in one map", CONFIG_KEYS_MAX);
    return 0;
}

static int parse_map(struct parser *p, unsigned depth, struct config_node *node)
{
    CLEANUP(yaml_event_delete) yaml_event_t event = {0};
    struct config_node **end = &node->first;

    for (;;) {
        int code = next_event(p, &event);
        if (code < 0)
            return code;
        if (event.type == YAML_MAPPING_END_EVENT)
            return 0;

        struct config_node *key, *value;
        code = parse_node(p, &event, depth + 1, &key);
        if (code == 0)
            code = check_key(p, node, key);
        if (code == 0)
            code = next_event(p, &event);
        if (code == 0)
            code = parse_node(p, &event, depth + 1, &value);
        if (code < 0)
            return code;
        value->key = key;
        *end = value;
        end = &value->next;
    }
}

static int parse_node(struct parser *p, const yaml_event_t *event, unsigned depth,
                      struct config_node **ret)
{
    int code = refuse_decoration(p, event);
    if (code < 0)
        return code;
    if (depth > CONFIG_DEPTH_MAX)
        return error_at_mark(p, event->start_mark, "maps and lists are nested too deeply");

    struct config_node *node = config_storage_take(p->storage, 1, sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->line = event->start_mark.line + 1;
    node->column = event->start_mark.column + 1;
    switch (event->type) {
    case YAML_SEQUENCE_START_EVENT:
        node->kind = NODE_LIST;
        code = parse_list(p, depth, node);
        break;
    case YAML_MAPPING_START_EVENT:
        node->kind = NODE_MAP;
        code = parse_map(p, depth, node);
        break;
    default: node->kind = NODE_TEXT; code = parse_text(p, event, node);
    }
    if (code < 0)
        return code;
    *ret = node;
    return 0;
}

/* STREAM-START, then one document or none, then STREAM-END. */
static int parse_stream(struct parser *p, struct config_node **ret)
{
    CLEANUP(yaml_event_delete) yaml_event_t event = {0};
    struct config_node *root = NULL;

    int code = next_event(p, &event);
    if (code == 0)
        code = next_event(p, &event);
    if (code == 0 && event.type == YAML_DOCUMENT_START_EVENT) {
        code = next_event(p, &event);
        if (code == 0)
            code = parse_node(p, &event, 0, &root);
        if (code == 0)
            code = next_event(p, &event); /* DOCUMENT-END */
        if (code == 0)
            code = next_event(p, &event);
    }
    if (code < 0)
        return code;
    if (event.type != YAML_STREAM_END_EVENT)
        return error_at_mark(p, event.start_mark,
                             "a second YAML document begins here; the configuration is one");
    *ret = root && root->empty ? NULL : root;
    return 0;
}

int config_node_parse(struct config_node **ret, const struct config_file *file, struct span text,
                      struct config_storage *storage)
{
    for (size_t i = 0; i < text.size;) {
        size_t size = utf8_sequence((struct span){text.data + i, text.size - i});
        if (size == 0)
            return error_at_byte(file, text, i, "not UTF-8; save the file as UTF-8");
        i += size;
    }

    CLEANUP(parser_deinit) struct parser p = {.file = file, .storage = storage, .text = text};
    if (!yaml_parser_initialize(&p.yaml))
        return -ENOMEM;
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)(text.size ? text.data : ""),
                                 text.size);
    return parse_stream(&p, ret);
}
