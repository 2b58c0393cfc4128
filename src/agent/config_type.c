// SPDX-License-Identifier: Apache-2.0
#include "agent/config_type.h"

#include "agent/admin_address.h"
#include "agent/config_units.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "docker/docker_host.h"
#include "sink/line_options.h"

#include <errno.h>

enum {
    ROUTE_NAME_SIZE_MAX = 64,  /* bytes */
    DIRECTORY_SIZE_MAX = 1024, /* bytes; leaves room below it in a path */
    SHOWN_SIZE_MAX = 80,       /* bytes of a wrong value in an error */
};

static const struct config_units *units_of(const struct config_key *key)
{
    return key->type == &config_type_count      ? &config_count_units
           : key->type == &config_type_duration ? &config_duration_units
                                                : &config_size_units;
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

    if (key->type == &config_type_url) {
        fputs("a URL with the scheme ", out);
        expects_one_of(out, key->words);
    } else if (key->words) {
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

int config_wrong(struct config_reader *r, const struct config_key *key,
                 const struct config_node *value, const char *text)
{
    char expects[CONFIG_EXPECTS_SIZE];
    struct nearest near = nearest_to(span_of(text));

    for (size_t i = 0; key->words && key->words[i]; i++)
        nearest_offer(&near, span_of(key->words[i]));
    return config_error(&r->file, value, "\"%s\" must be %s, not \"%.*s\"%s", key->path,
                        config_expects(expects, key), SHOWN_SIZE_MAX, text, NEAREST_HINT(&near));
}

void config_print_quoted(FILE *to, const char *text, bool expanded)
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

static bool text_present(const struct config_key *key, const void *field)
{
    return *(const char *const *)field != NULL;
}

static void text_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    fputc(' ', to);
    config_print_quoted(to, *(const char *const *)field, true);
    fputc('\n', to);
}

static int text_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    return config_text(r, key, value, field);
}

static int labelled_set(struct config_reader *r, const struct config_key *key,
                        const struct config_node *value, void *field)
{
    return config_text_of(r, key, value, CONFIG_TEXT_LABELLED, field);
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
        return config_wrong(r, key, value, text);
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
        return config_wrong(r, key, value, text);
    *(const char **)field = path;
    return 0;
}

static int root_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    const char *text;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    if (strcmp(text, "none") != 0)
        return path_set(r, key, value, field);
    *(const char **)field = text;
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

static bool is_listen(const char *text)
{
    return admin_address_parse(&(struct admin_address){0}, text);
}

static int listen_set(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, void *field)
{
    return set_checked(r, key, value, field, is_listen);
}

static int host_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    struct docker_host host;
    struct error cause;
    const char *text;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    if (docker_host_parse(&host, text, &cause) < 0)
        return config_error(&r->file, value, "\"%s\": %s", key->path, cause.text);
    *(const char **)field = text;
    return 0;
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
    return config_wrong(r, key, value, text);
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

static int bool_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    const char *text;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return config_wrong(r, key, value, text);
    *(bool *)field = text[0] == 't';
    return 0;
}

static void bool_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    fprintf(to, " %s\n", *(const bool *)field ? "true" : "false");
}

static int amount_set(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, void *field)
{
    const char *text;
    int64_t amount;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    bool bounded = key->minimum || key->maximum;
    if (config_units_parse(units_of(key), text, &amount) < 0 ||
        (bounded && (amount < key->minimum || amount > key->maximum)))
        return config_wrong(r, key, value, text);
    *(int64_t *)field = amount;
    return 0;
}

/* Without a default, zero is what stands where the file is silent. */
static bool amount_present(const struct config_key *key, const void *field)
{
    return key->fallback || *(const int64_t *)field != 0;
}

static void amount_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    char text[CONFIG_UNITS_SIZE];
    config_units_format(text, units_of(key), *(const int64_t *)field);
    fprintf(to, " %s\n", text);
}

const struct config_type config_type_text = {"a text", text_set, text_present, text_print};
const struct config_type config_type_labelled = {"a text", labelled_set, text_present, text_print};
const struct config_type config_type_name = {"a name of 1 to 64 letters, digits, \"-\" and \"_\"",
                                             name_set, text_present, text_print};
const struct config_type config_type_path = {"an absolute path without \"..\"", path_set,
                                             text_present, text_print};
const struct config_type config_type_root = {"an absolute path without \"..\", or none", root_set,
                                             text_present, text_print};
const struct config_type config_type_template = {"an absolute path", template_set, text_present,
                                                 text_print};
const struct config_type config_type_host = {"unix:///path, tcp://host:port or none", host_set,
                                             text_present, text_print};
const struct config_type config_type_listen = {
    "an address (127.0.0.1:9777, [::1]:9777), unix:/path or none", listen_set, text_present,
    text_print};
const struct config_type config_type_choice = {"a word", choice_set, NULL, choice_print};
const struct config_type config_type_size = {"a size (512KiB, 1MiB, 10MB)", amount_set,
                                             amount_present, amount_print};
const struct config_type config_type_duration = {"a duration (250ms, 1s, 5m, 2h, 30d)", amount_set,
                                                 NULL, amount_print};
const struct config_type config_type_count = {"a whole number", amount_set, amount_present,
                                              amount_print};
const struct config_type config_type_bool = {"true or false", bool_set, NULL, bool_print};
