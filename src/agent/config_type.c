// SPDX-License-Identifier: Apache-2.0
#include "agent/config_type.h"

#include "agent/config_units.h"
#include "base/limits.h"
#include "base/nearest.h"

#include <errno.h>

enum {
    ROUTE_NAME_SIZE_MAX = 64,  /* bytes */
    DIRECTORY_SIZE_MAX = 1024, /* bytes; leaves room below it in a path */
    SHOWN_SIZE_MAX = 80,       /* bytes of a wrong value in an error */
};

static const struct config_units *units_of(const struct config_key *key)
{
    return key->type == &config_type_duration ? &config_duration_units : &config_size_units;
}

static void expects_one_of(FILE *to, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        fprintf(to, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

const char *config_expects(char to[CONFIG_EXPECTS_SIZE], const struct config_key *key)
{
    CLEANUP(fclose) FILE *out = fmemopen(to, CONFIG_EXPECTS_SIZE, "w");
    if (!out)
        return key->type->expects;

    if (key->words) {
        expects_one_of(out, key->words);
    } else {
        fputs(key->type->expects, out);
        if (key->minimum || key->maximum) {
            char minimum[CONFIG_UNITS_SIZE], maximum[CONFIG_UNITS_SIZE];
            config_units_format(minimum, units_of(key), key->minimum);
            config_units_format(maximum, units_of(key), key->maximum);
            fprintf(out, " from %s to %s", minimum, maximum);
        }
    }
    fputc('\0', out);
    return to;
}

/* "KEY must be EXPECTED, not VALUE", with the word that was meant where the set is closed. */
static int wrong(struct config_reader *r, const struct config_key *key,
                 const struct config_node *value, const char *text)
{
    char expects[CONFIG_EXPECTS_SIZE];
    struct nearest near = nearest_to(span_of(text));

    for (size_t i = 0; key->words && key->words[i]; i++)
        nearest_offer(&near, span_of(key->words[i]));
    return config_error(&r->file, value, "\"%s\" must be %s, not \"%.*s\"%s", key->path,
                        config_expects(expects, key), SHOWN_SIZE_MAX, text, NEAREST_HINT(&near));
}

/* Quoted, so that YAML reads the same text back; dollar signs doubled where they count. */
static void print_quoted(FILE *to, const char *text, bool expanded)
{
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        if (*text == '$' && expanded)
            fputc('$', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static bool text_present(const void *field)
{
    return *(const char *const *)field != NULL;
}

static void text_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    fputc(' ', to);
    print_quoted(to, *(const char *const *)field, true);
    fputc('\n', to);
}

static int text_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    return config_text(r, key, value, field);
}

/* A text that `accepts` says is right. */
static int set_checked(struct config_reader *r, const struct config_key *key,
                       const struct config_node *value, void *field, bool (*accepts)(const char *))
{
    const char *text;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    if (!accepts(text))
        return wrong(r, key, value, text);
    *(const char **)field = text;
    return 0;
}

static bool is_route_name(const char *text)
{
    size_t size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return size > 0 && size <= ROUTE_NAME_SIZE_MAX && text[size] == '\0';
}

static int name_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    return set_checked(r, key, value, field, is_route_name);
}

/* Drops what says nothing from an absolute path, in place: empty parts and `.`. False where `..`
 * would make it ambiguous. */
static bool tidy_path(char *path)
{
    char *end = path;

    for (char *part = path; *part;) {
        size_t size = strcspn(++part, "/");
        if (size == 2 && strncmp(part, "..", 2) == 0)
            return false;
        if (size > 0 && !(size == 1 && *part == '.')) {
            *end++ = '/';
            memmove(end, part, size);
            end += size;
        }
        part += size;
    }
    if (end == path)
        *end++ = '/';
    *end = '\0';
    return true;
}

static int path_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    const char *text;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    struct span whole = span_of(text);
    if (whole.size > DIRECTORY_SIZE_MAX)
        return config_error(&r->file, value, "\"%s\" is longer than %d bytes", key->path,
                            DIRECTORY_SIZE_MAX);
    char *path = config_storage_copy(r->storage, whole);
    if (!path)
        return -ENOMEM;
    if (text[0] != '/' || !tidy_path(path))
        return wrong(r, key, value, text);
    *(const char **)field = path;
    return 0;
}

static bool is_absolute(const char *text)
{
    return text[0] == '/' && strlen(text) < PATH_BYTES_MAX;
}

/* What it has beside is for the sink to check. */
static int template_set(struct config_reader *r, const struct config_key *key,
                        const struct config_node *value, void *field)
{
    return set_checked(r, key, value, field, is_absolute);
}

static bool is_host(const char *text)
{
    struct span host = span_of(text);
    return strcmp(text, "none") == 0 ||
           (span_starts_with(host, SPAN("unix:///")) && host.size > SPAN("unix:///").size) ||
           (span_starts_with(host, SPAN("tcp://")) && host.size > SPAN("tcp://").size) ||
           (span_starts_with(host, SPAN("http://")) && host.size > SPAN("http://").size);
}

static int host_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    return set_checked(r, key, value, field, is_host);
}

/* The place of the value among the key's words. */
static int find_word(struct config_reader *r, const struct config_key *key,
                     const struct config_node *value, unsigned *ret)
{
    const char *text;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    for (unsigned i = 0; key->words[i]; i++) {
        if (strcmp(key->words[i], text) == 0) {
            *ret = i;
            return 0;
        }
    }
    return wrong(r, key, value, text);
}

static int word_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    unsigned at = 0;
    int code = find_word(r, key, value, &at);
    if (code == 0)
        *(const char **)field = key->words[at];
    return code;
}

static void word_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    /* In quotes: a bare null would be nothing, by YAML's own rules. */
    fprintf(to, " \"%s\"\n", *(const char *const *)field);
}

_Static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
                   sizeof(enum sink_format) == sizeof(unsigned),
               "choice_set fills an enum as an unsigned");

static int choice_set(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, void *field)
{
    return find_word(r, key, value, field);
}

static void choice_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    fprintf(to, " %s\n", key->words[*(const unsigned *)field]);
}

static int amount_set(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, void *field)
{
    const char *text;
    int64_t amount;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    if (config_units_parse(units_of(key), text, &amount) < 0 || amount < key->minimum ||
        amount > key->maximum)
        return wrong(r, key, value, text);
    *(int64_t *)field = amount;
    return 0;
}

static void amount_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    char text[CONFIG_UNITS_SIZE];
    config_units_format(text, units_of(key), *(const int64_t *)field);
    fprintf(to, " %s\n", text);
}

/* The texts of a list, or the one text that stands in its place. An empty list would look like a
 * restriction and be none. */
static int read_texts(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, struct globs *ret)
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
    *ret = (struct globs){items, count};
    return 0;
}

static void print_texts(FILE *to, const char *const *items, size_t count)
{
    fputs(" [", to);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", to);
        print_quoted(to, items[i], true);
    }
    fputs("]\n", to);
}

static int globs_set(struct config_reader *r, const struct config_key *key,
                     const struct config_node *value, void *field)
{
    struct globs globs;

    int code = read_texts(r, key, value, &globs);
    if (code < 0)
        return code;
    for (size_t i = 0; i < globs.count; i++)
        if (!globs.items[i][0])
            return wrong(r, key, value, "");
    *(struct globs *)field = globs;
    return 0;
}

static bool globs_present(const void *field)
{
    return ((const struct globs *)field)->count > 0;
}

static void globs_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct globs *globs = field;
    print_texts(to, globs->items, globs->count);
}

static int label_globs_set(struct config_reader *r, const struct config_key *key,
                           const struct config_node *value, void *field)
{
    struct match_keys *keys = field;

    if (value->kind != NODE_MAP || !value->first)
        return config_error(&r->file, value, "\"%s\" must be %s", key->path, key->type->expects);

    size_t count = config_node_count(value);
    struct label_globs *labels = config_storage_take(r->storage, count, sizeof(*labels));
    if (!labels)
        return -ENOMEM;
    const struct config_node *label = value->first;
    for (size_t i = 0; i < count; i++, label = label->next) {
        labels[i].key = config_storage_copy(r->storage, label->key->text);
        if (!labels[i].key)
            return -ENOMEM;
        int code = read_texts(r, key, label, &labels[i].values);
        if (code < 0)
            return code;
    }
    keys->labels = labels;
    keys->label_count = count;
    return 0;
}

static bool label_globs_present(const void *field)
{
    return ((const struct match_keys *)field)->label_count > 0;
}

static void label_globs_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct match_keys *keys = field;

    fputc('\n', to);
    for (size_t i = 0; i < keys->label_count; i++) {
        fprintf(to, "%*s", indent, "");
        print_quoted(to, keys->labels[i].key, false);
        fputc(':', to);
        print_texts(to, keys->labels[i].values.items, keys->labels[i].values.count);
    }
}

/* "since 2h" */
static bool read_since(const char *text, int64_t *ret)
{
    struct span since = SPAN("since ");
    return span_starts_with(span_of(text), since) &&
           config_units_parse(&config_duration_units, text + since.size, ret) == 0;
}

static int start_set(struct config_reader *r, const struct config_key *key,
                     const struct config_node *value, void *field)
{
    struct route_config *route = CONTAINER_OF(field, struct route_config, start);
    const char *text;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    if (strcmp(text, "beginning") == 0)
        route->start = START_BEGINNING;
    else if (strcmp(text, "end") == 0)
        route->start = START_END;
    else if (read_since(text, &route->start_since_ns))
        route->start = START_SINCE;
    else
        return wrong(r, key, value, text);
    return 0;
}

static void start_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct route_config *route = CONTAINER_OF(field, struct route_config, start);
    char since[CONFIG_UNITS_SIZE];

    config_units_format(since, &config_duration_units, route->start_since_ns);
    if (route->start == START_SINCE)
        fprintf(to, " since %s\n", since);
    else
        fprintf(to, " %s\n", route->start == START_END ? "end" : "beginning");
}

static int fields_set(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, void *field)
{
    struct sink_options *sink = field;
    struct globs fields;

    if (value->kind != NODE_LIST)
        return config_error(&r->file, value, "\"%s\" must be %s", key->path, key->type->expects);
    int code = read_texts(r, key, value, &fields);
    if (code < 0)
        return code;
    sink->fields = fields.items;
    sink->field_count = fields.count;
    return 0;
}

static bool fields_present(const void *field)
{
    return ((const struct sink_options *)field)->field_count > 0;
}

static void fields_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct sink_options *sink = field;
    print_texts(to, sink->fields, sink->field_count);
}

const struct config_type config_type_text = {"a text", "web", text_set, text_present, text_print};
const struct config_type config_type_name = {"a name of 1 to 64 letters, digits, \"-\" and \"_\"",
                                             "archive", name_set, text_present, text_print};
const struct config_type config_type_path = {"an absolute path without \"..\"", "/var/lib/tallyman",
                                             path_set, text_present, text_print};
const struct config_type config_type_template = {"an absolute path",
                                                 "/var/log/tallyman/{container_name}.ndjson",
                                                 template_set, text_present, text_print};
const struct config_type config_type_host = {"unix:///path, tcp://host:port or none",
                                             "unix:///var/run/docker.sock", host_set, text_present,
                                             text_print};
const struct config_type config_type_word = {"a word", NULL, word_set, text_present, word_print};
const struct config_type config_type_choice = {"a word", NULL, choice_set, NULL, choice_print};
const struct config_type config_type_size = {"a size (512KiB, 1MiB, 10MB)", NULL, amount_set, NULL,
                                             amount_print};
const struct config_type config_type_duration = {"a duration (250ms, 1s, 5m, 2h, 30d)", NULL,
                                                 amount_set, NULL, amount_print};
const struct config_type config_type_globs = {"a glob or a list of globs", "[\"web-*\"]", globs_set,
                                              globs_present, globs_print};
const struct config_type config_type_label_globs = {
    "a map of labels, each with a glob or a list of globs", "{team: \"*\"}", label_globs_set,
    label_globs_present, label_globs_print};
const struct config_type config_type_start = {"beginning, end or since and a duration (since 2h)",
                                              NULL, start_set, NULL, start_print};
const struct config_type config_type_fields = {"a list of fields", "[time, message]", fields_set,
                                               fields_present, fields_print};
