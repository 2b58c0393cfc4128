// SPDX-License-Identifier: Apache-2.0
#include "agent/config_secret.h"

#include <errno.h>

/* What config_secret returns is the text in one of these. */
struct secret {
    const char *reference; /* "${NAME}"; NULL: the file had more than that */
    char text[];
};

int config_secret(struct config_reader *r, const struct config_key *key,
                  const struct config_node *value, unsigned kinds, const char **ret)
{
    const char *text;
    bool referred = value->kind == NODE_TEXT && config_text_is_reference(value->text);

    int code = config_text_of(r, key, value, kinds | (referred ? 0 : CONFIG_TEXT_HIDDEN), &text);
    if (code < 0)
        return code;
    if (strcmp(text, CONFIG_HIDDEN) == 0)
        return config_error(&r->file, value,
                            "\"%s\" was hidden when this file was printed: fill it in", key->path);
    if (!text[0])
        return config_error(&r->file, value, "\"%s\" is empty; leave the key out, or fill it",
                            key->path);

    size_t size = strlen(text) + 1;
    struct secret *secret = config_storage_take(r->storage, 1, sizeof(*secret) + size);
    if (!secret)
        return -ENOMEM;
    memcpy(secret->text, text, size);
    if (referred) {
        secret->reference = config_storage_copy(r->storage, value->text);
        if (!secret->reference)
            return -ENOMEM;
    }
    *ret = secret->text;
    return 0;
}

void config_secret_print(FILE *to, const char *text)
{
    const struct secret *secret = CONTAINER_OF(text, struct secret, text);

    if (secret->reference)
        fprintf(to, " \"%s\"\n", secret->reference);
    else
        fprintf(to, " \"%s\" # to be filled in\n", CONFIG_HIDDEN);
}

static int secret_set(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, void *field)
{
    return config_secret(r, key, value, 0, field);
}

static bool secret_present(const struct config_key *key, const void *field)
{
    return *(const char *const *)field != NULL;
}

static void secret_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    config_secret_print(to, *(const char *const *)field);
}

const struct config_type config_type_secret = {"a text, which is never shown", secret_set,
                                               secret_present, secret_print};
