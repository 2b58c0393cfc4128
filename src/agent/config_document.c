// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include "agent/config_type.h"

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Made by `tallyman check --document` from src/agent/config_table.c. -->\n"
    "\n"
    "One YAML file: the one that `-c FILE` names, else `$TALLYMAN_CONFIG`, else\n"
    "`/etc/tallyman/tallyman.yaml` where there is one. With no file, or an empty one, every key "
    "has\n"
    "its default. `tallyman check -c FILE` says what is wrong with a file, and where; with\n"
    "`--print` it shows every key that is in effect.\n"
    "\n"
    "```yaml\n"
    "docker: {host: \"unix:///var/run/docker.sock\"}\n"
    "state: /var/lib/tallyman\n"
    "routes:\n"
    "  - name: archive\n"
    "    match: {container_name: \"web-*\"}\n"
    "    start: beginning\n"
    "    sink:\n"
    "      type: file\n"
    "      path: \"/var/log/tallyman/{container_name}.ndjson\"\n"
    "      format: ndjson\n"
    "      fields: [time, stream, message]\n"
    "```\n"
    "\n"
    "- A dotted name stands for a map: `docker.root: /x` is written `docker: {root: /x}`.\n"
    "- Sizes are whole numbers with a unit: `B`, `kB`, `MB`, `GB`, `TB` (of 1000), `KiB`, `MiB`,\n"
    "  `GiB`, `TiB` (of 1024). Durations: `ms`, `s`, `m`, `h`, `d`. Only `0` needs no unit.\n"
    "- In values, `${NAME}` is the environment's variable and `${NAME:-default}` has a default "
    "for\n"
    "  where it is not set or empty; `$$` is a dollar sign. What is put in is not read as YAML.\n"
    "- Globs: `*` is any text, `?` one byte, `[a-z]` one of a set, `\\` takes the next character "
    "as\n"
    "  it is. `/` is a character like any other.\n"
    "- Of YAML, anchors, aliases, tags and several documents are not supported.\n"
    "- An unknown key, a wrong value or an option of another sink is an error, and nothing "
    "starts.\n";

static const char about_routes[] =
    "A route takes a container when every key of `match` does and no key of `exclude` does; in a\n"
    "list of globs one is enough. Without `match` it takes every container. A container with the\n"
    "label `tallyman.enable=false` is taken by no route.\n"
    "\n";

static const char about_fields[] =
    "\n"
    "## Fields\n"
    "\n"
    "What an NDJSON line can have, and in this order; what is empty is left out.\n"
    "\n";

static void print_bounds(FILE *to, const struct config_key *key)
{
    char expects[CONFIG_EXPECTS_SIZE];

    if (!key->type)
        fputs("a list", to);
    else
        fputs(config_expects(expects, key), to);
    for (const char *const *sink = key->sinks; sink && *sink; sink++)
        fprintf(to, "%s%s", sink == key->sinks ? "; sink " : ", ", *sink);
}

static void print_scope(FILE *to, enum config_scope scope)
{
    fputs("| key | value | default | meaning |\n|---|---|---|---|\n", to);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->scope != scope)
            continue;
        fprintf(to, "| `%s` | ", key->path);
        print_bounds(to, key);
        if (key->fallback)
            fprintf(to, " | `%s`", key->fallback);
        else if (key->required)
            fputs(" | required", to);
        else
            fprintf(to, " | %s", key->fallback_words ? key->fallback_words : "–");
        fprintf(to, " | %s |\n", key->help);
    }
}

static void print_names(FILE *to, const char *title, const char *const *names)
{
    fprintf(to, "- %s:", title);
    for (size_t i = 0; names[i]; i++)
        fprintf(to, "%s `%s`", i ? "," : "", names[i]);
    fputs(".\n", to);
}

void config_document(FILE *to)
{
    fputs(introduction, to);
    fputs("\n## Keys of the file\n\n", to);
    print_scope(to, CONFIG_WHOLE);
    fputs("\n## Keys of a route\n\n", to);
    fputs(about_routes, to);
    print_scope(to, CONFIG_ROUTE);
    fputs(about_fields, to);
    print_names(to, "Of the line", config_entry_fields);
    print_names(to, "Labels", config_label_fields);
}
