// SPDX-License-Identifier: Apache-2.0
#include "agent/config_type.h"

#include "base/buf.h"

#include <errno.h>

/* What a value is made of while the environment is put into it. */
struct expansion {
    const struct config_file *file;
    const struct config_node *value;
    unsigned kinds; /* enum config_text_kind */
    struct buf text;
};

static bool is_name(struct span s)
{
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return s.size > 0;
}

bool config_text_is_reference(struct span text)
{
    return text.size > 3 && memcmp(text.data, "${", 2) == 0 && text.data[text.size - 1] == '}' &&
           is_name((struct span){text.data + 2, text.size - 3});
}

static void append_value(struct expansion *e, const char *value)
{
    for (; *value; value++) {
        bool brace = *value == '{' || *value == '}';
        if (brace && (e->kinds & CONFIG_TEXT_LABELLED))
            buf_append_char(&e->text, *value);
        buf_append_char(&e->text, *value);
    }
}

/* `inside` is what stands between the braces of ${…}. */
static int append_variable(struct expansion *e, struct span inside)
{
    const char *mark = memmem(inside.data, inside.size, ":-", 2);
    struct span name = {inside.data, mark ? (size_t)(mark - inside.data) : inside.size};
    char variable[128];
    bool hidden = e->kinds & CONFIG_TEXT_HIDDEN;

    if (!is_name(name) || name.size >= sizeof(variable))
        return config_error(e->file, e->value,
                            "\"${%.*s}\" names no variable: write ${NAME} or ${NAME:-default}",
                            hidden             ? (int)strlen("…")
                            : inside.size < 64 ? (int)inside.size
                                               : 64,
                            hidden ? "…" : inside.data);
    memcpy(variable, name.data, name.size);
    variable[name.size] = '\0';

    const char *value = getenv(variable);
    const char *shown = hidden ? "…" : variable;
    if (value && !config_text_is_plain(span_of(value)))
        return config_error(e->file, e->value,
                            "the environment variable %s holds more than one line of plain text",
                            shown);
    if (value && (value[0] || !mark))
        append_value(e, value);
    else if (mark)
        buf_append(&e->text, (struct span){mark + 2, inside.size - name.size - 2});
    else
        return config_error(e->file, e->value,
                            "the environment variable %s is not set: set it, or write ${%s:-…} "
                            "with a default",
                            shown, shown);
    return 0;
}

static int expand(struct expansion *e)
{
    struct span from = e->value->text;

    for (size_t i = 0; i < from.size; i++) {
        if (from.data[i] != '$') {
            buf_append_char(&e->text, from.data[i]);
            continue;
        }
        char after = i + 1 < from.size ? from.data[i + 1] : '\0';
        if (after == '$') {
            buf_append_char(&e->text, '$');
            i++;
            continue;
        }
        if (after != '{')
            return config_error(e->file, e->value,
                                "a lone \"$\": write \"$$\" for a dollar sign, \"${NAME}\" for a "
                                "variable of the environment");
        const char *inside = from.data + i + 2;
        const char *end = memchr(inside, '}', from.size - i - 2);
        if (!end)
            return config_error(e->file, e->value, "a \"${\" without its \"}\"");
        int code = append_variable(e, (struct span){inside, (size_t)(end - inside)});
        if (code < 0)
            return code;
        i = (size_t)(end - from.data);
    }
    return 0;
}

static const char *const kind_words[] = {
    [NODE_TEXT] = "a text", [NODE_LIST] = "a list", [NODE_MAP] = "a map"};

int config_text(struct config_reader *r, const struct config_key *key,
                const struct config_node *value, const char **ret)
{
    return config_text_of(r, key, value, CONFIG_TEXT_SHOWN, ret);
}

int config_text_of(struct config_reader *r, const struct config_key *key,
                   const struct config_node *value, unsigned kinds, const char **ret)
{
    char expects[CONFIG_EXPECTS_SIZE];

    if (value->kind != NODE_TEXT)
        return config_error(&r->file, value, "\"%s\" must be %s, not %s", key->path,
                            config_expects(expects, key), kind_words[value->kind]);
    if (value->empty)
        return config_error(&r->file, value, "\"%s\" has no value; it must be %s", key->path,
                            config_expects(expects, key));

    struct expansion e = {&r->file, value, kinds, BUF_INIT(CONFIG_TEXT_SIZE_MAX)};
    int code = expand(&e);
    if (code == 0 && e.text.failed)
        code = e.text.failed == -ENOBUFS
                   ? config_error(&r->file, value, "\"%s\" is longer than %d bytes", key->path,
                                  CONFIG_TEXT_SIZE_MAX)
                   : e.text.failed;
    char *copy = code == 0 ? config_storage_copy(r->storage, buf_span(&e.text)) : NULL;
    buf_deinit(&e.text);
    if (code < 0)
        return code;
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}
