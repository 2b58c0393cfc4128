// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include "agent/config_sink.h"
#include "agent/config_type.h"

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Made by `tallyman check --document` from src/agent/config_table.c and the sinks'\n"
    "own tables. -->\n"
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
    "- Passwords, tokens and headers that carry them are best written as `${NAME}`. They are in "
    "no\n"
    "  error and not in the log, and `--print` shows that `${NAME}`; in place of anything else it\n"
    "  writes `(hidden)`, to be filled in.\n"
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
    "The members of an NDJSON line, in this order; what is empty is left out.\n"
    "\n"
    "| member | what it is |\n"
    "|---|---|\n"
    "| `time` | when the line was written, RFC 3339 in UTC with nine digits of fraction |\n"
    "| `message` | the line, without its newline |\n"
    "| `stream` | `stdout` or `stderr` |\n"
    "| `source_type` | `docker` |\n"
    "| `source_id` | the first 12 digits of the container's id |\n"
    "| `container_id` | the same |\n"
    "| `container_name` | without Docker's slash |\n"
    "| `image` | as it was given to `docker run` |\n"
    "| `state` | `running`, `exited`, … |\n"
    "| `hostname` | the container's |\n"
    "| `command` | its first word |\n"
    "| `platform` | `linux` |\n"
    "| `network` | the primary network |\n"
    "| `network_NAME` | the address in each network |\n"
    "| `compose_project`, `compose_service` | by Docker Compose |\n"
    "| `swarm_stack`, `swarm_service` | by Docker Swarm |\n"
    "| `container_label_KEY` | each Docker label but those of Compose, OCI and Docker Desktop |\n"
    "| `source`, `service` | `labels.source`, `labels.service` |\n"
    "| `attrs` | what Docker's `labels`, `env` and `tag` options add to a record, as an object |\n"
    "| `partial` | `true`: cut at its maximum; the next line of the stream continues it |\n"
    "| `continued` | `true`: continues a line that was cut |\n"
    "| `unterminated` | `true`: the program wrote no newline at its end |\n"
    "| `time_missing` | `true`: the record had no valid time; `time` is when it was read |\n"
    "| `stream_missing` | `true`: the record had no stream; it is taken for `stdout` |\n";

static void print_key(FILE *to, const struct config_key *key)
{
    char expects[CONFIG_EXPECTS_SIZE];

    fprintf(to, "| `%s` | %s", key->path, key->type ? config_expects(expects, key) : "a list");
    if (key->fallback)
        fprintf(to, " | `%s`", key->fallback);
    else if (key->required)
        fputs(" | required", to);
    else
        fprintf(to, " | %s", key->fallback_words ? key->fallback_words : "–");
    fprintf(to, " | %s%s |\n", key->help,
            key->of_requests ? " Only where the sink sends requests." : "");
}

static const char table_head[] = "| key | value | default | meaning |\n|---|---|---|---|\n";

static void print_scope(FILE *to, enum config_scope scope)
{
    fputs(table_head, to);
    for (size_t i = 0; i < config_key_count; i++)
        if (config_keys[i].scope == scope)
            print_key(to, &config_keys[i]);
}

static void print_options(FILE *to, const struct sink_option_table *table)
{
    struct config_sink_key option;

    fprintf(to, "\n%s", table_head);
    for (const struct sink_option *o = table->items; o->name; o++) {
        config_sink_key(&option, table, o);
        print_key(to, &option.key);
    }
}

/* "It also has the [keys of HTTP](#keys-of-http)." */
static void print_shared(FILE *to, const struct sink_ops *ops)
{
    const char *before = "It also has the ";

    for (size_t i = 0; i < SINK_OPTION_TABLES_MAX && ops->options[i].items; i++) {
        const char *name = ops->options[i].shared;
        if (!name)
            continue;
        fprintf(to, "%s[keys of %s](#keys-of-", before, name);
        for (; *name; name++) /* as a heading's anchor is spelled */
            fputc(*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name, to);
        fputc(')', to);
        before = " and the ";
    }
    if (before[0] == ' ')
        fputs(".\n", to);
}

/* A sink: its own keys, and where the shared ones are. */
static void print_sink(FILE *to, const struct sink_ops *ops)
{
    fprintf(to, "\n### Sink `%s`\n\n%s\n", ops->type, ops->help);
    print_shared(to, ops);
    for (size_t i = 0; i < SINK_OPTION_TABLES_MAX && ops->options[i].items; i++)
        if (!ops->options[i].shared)
            print_options(to, &ops->options[i]);
}

/* Is it the first of the catalog's with these rows? */
static bool is_first(const struct sink_option_table *table)
{
    size_t count;
    const struct sink_ops *const *sinks = sink_all(&count);

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < SINK_OPTION_TABLES_MAX; j++)
            if (sinks[i]->options[j].items == table->items)
                return &sinks[i]->options[j] == table;
    return false;
}

static void print_sinks(FILE *to)
{
    struct config_sink_type_key type;
    size_t count;
    const struct sink_ops *const *sinks = sink_all(&count);

    config_sink_type_key(&type);
    fprintf(to, "\n## Sinks\n\n%s", table_head);
    print_key(to, &type.key);
    for (size_t i = 0; i < count; i++)
        print_sink(to, sinks[i]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < SINK_OPTION_TABLES_MAX; j++) {
            const struct sink_option_table *table = &sinks[i]->options[j];
            if (!table->shared || !is_first(table))
                continue;
            fprintf(to, "\n### Keys of %s\n", table->shared);
            print_options(to, table);
        }
    }
}

void config_document(FILE *to)
{
    fputs(introduction, to);
    fputs("\n## Keys of the file\n\n", to);
    print_scope(to, CONFIG_WHOLE);
    fputs("\n## Keys of a route\n\n", to);
    fputs(about_routes, to);
    print_scope(to, CONFIG_ROUTE);
    print_sinks(to);
    fputs(about_fields, to);
}
