// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include "agent/config_type.h"

/* One scope, in the order of the table. `base` is its struct; a route is an item of a list. */
static void print_scope(FILE *to, enum config_scope scope, const void *base, int indent)
{
    struct span open = {0};
    bool item = scope == CONFIG_ROUTE; /* until its first line is out */

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const struct route_config *route = scope == CONFIG_ROUTE ? base : NULL;
        const void *field = (const char *)base + key->offset;

        if (key->scope != scope || !key->type || (key->type->present && !key->type->present(field)))
            continue;
        if (route && !config_key_belongs(key, route->sink.type))
            continue;

        struct span section = config_key_section(key);
        if (section.size && !span_equal(section, open))
            fprintf(to, "%*s%.*s:\n", indent, "", (int)section.size, section.data);
        open = section;

        int inner = indent + (section.size ? 2 : 0);
        fprintf(to, "%*s%s%s:", item ? inner - 2 : inner, "", item ? "- " : "",
                config_key_name(key));
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
