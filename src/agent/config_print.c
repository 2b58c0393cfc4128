// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include "agent/config_type.h"

/* One scope, in the order of the table. `base` is its struct; a route is an item of a list. */
static void print_scope(FILE *to, enum config_scope scope, const void *base, int indent)
{
    const char *open = "";
    bool item = scope == CONFIG_ROUTE; /* until its first line is out */

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const void *field = (const char *)base + key->offset;

        if (key->scope != scope || !key->type ||
            (key->type->present && !key->type->present(key, field)))
            continue;
        if (key->of_requests && !((const struct route_config *)base)->sink.ops->requests)
            continue;

        if (key->section[0] && strcmp(key->section, open) != 0)
            fprintf(to, "%*s%s:\n", indent, "", key->section);
        open = key->section;

        int inner = indent + (key->section[0] ? 2 : 0);
        fprintf(to, "%*s%s%s:", item ? inner - 2 : inner, "", item ? "- " : "", key->name);
        key->type->print(to, key, field, inner + 2);
        item = false;
    }
}

void config_print(const struct config *c, FILE *to)
{
    print_scope(to, CONFIG_WHOLE, c, 0);
    fputs("routes:\n", to);
    for (size_t i = 0; i < c->route_count; i++)
        print_scope(to, CONFIG_ROUTE, &c->routes[i], 4);
}
