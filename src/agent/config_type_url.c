// SPDX-License-Identifier: Apache-2.0
/* URLs. What is wrong with one is said without quoting it: it may hold a password, wherever that
 * was put. */
#include "agent/config_type.h"

#include <stdlib.h>

enum { PORT_MAX = 65535 };

/* Behind its "://"; NULL where it begins with none of the schemes. */
static const char *after_scheme(const char *text, const char *const *schemes)
{
    for (; *schemes; schemes++) {
        size_t size = strlen(*schemes);
        if (strncasecmp(text, *schemes, size) == 0 && strncmp(text + size, "://", 3) == 0)
            return text + size + 3;
    }
    return NULL;
}

static bool is_port(struct span text)
{
    unsigned port = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = 10 * port + (unsigned)(text.data[i] - '0');
        if (port > PORT_MAX)
            return false;
    }
    return port > 0;
}

/* `[::1]:3100`, `loki:3100`, `loki` */
static const char *wrong_with_host(struct span authority)
{
    const char *end = authority.data + authority.size;
    const char *after = authority.data;

    if (authority.size && authority.data[0] == '[') {
        after = memchr(authority.data, ']', authority.size);
        if (!after || after == authority.data + 1)
            return "has a host with \"[\" that is no IPv6 address in brackets";
        after++;
    } else {
        while (after < end && *after != ':')
            after++;
        if (after == authority.data)
            return "has no host";
    }
    if (after == end)
        return NULL;
    struct span port = {after + 1, (size_t)(end - after - 1)};
    return *after == ':' && is_port(port) ? NULL : "has a port that is no number from 1 to 65535";
}

/* NULL: nothing. */
static const char *wrong_with(const char *text, const char *const *schemes)
{
    const char *rest = after_scheme(text, schemes);

    if (strpbrk(text, " \t"))
        return "has a space in it; in a URL that is %20";
    if (strchr(text, '@'))
        return "has an \"@\": a user and a password have keys of their own; elsewhere it is %40";
    if (!rest)
        return "has another scheme";
    return wrong_with_host((struct span){rest, strcspn(rest, "/?#")});
}

static int url_set(struct config_reader *r, const struct config_key *key,
                   const struct config_node *value, void *field)
{
    char expects[CONFIG_EXPECTS_SIZE];
    const char *text;

    int code = config_text_of(r, key, value, CONFIG_TEXT_HIDDEN, &text);
    if (code < 0)
        return code;
    const char *wrong = wrong_with(text, key->words);
    if (wrong)
        return config_error(&r->file, value, "\"%s\" must be %s; this one %s", key->path,
                            config_expects(expects, key), wrong);
    *(const char **)field = text;
    return 0;
}

static bool url_present(const struct config_key *key, const void *field)
{
    return config_type_text.present(key, field);
}

static void url_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    config_type_text.print(to, key, field, indent);
}

const struct config_type config_type_url = {"a URL", url_set, url_present, url_print};
