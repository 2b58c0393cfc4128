// SPDX-License-Identifier: Apache-2.0
#include "agent/config_table.h"

#include "agent/config_type.h"
#include "base/clock.h"

#include <stddef.h>

#define WORDS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define IN(section_, name_) .path = section_ "." name_, .section = (section_), .name = (name_)
#define TOP(name_)          .path = (name_), .section = "", .name = (name_)
#define WHOLE(place, kind, member)                                                                 \
    .scope = CONFIG_WHOLE, place, .type = &config_type_##kind,                                     \
    .offset = offsetof(struct config, member)
#define ROUTE(place, kind, member)                                                                 \
    .scope = CONFIG_ROUTE, place, .type = &config_type_##kind,                                     \
    .offset = offsetof(struct route_config, member)

#define KIB    INT64_C(1024)
#define MIB    (1024 * KIB)
#define TIB    (1024 * 1024 * MIB)
#define SECOND NS_PER_SECOND
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

const struct config_key config_keys[] = {
    {WHOLE(IN("docker", "root"), root, docker_root),
     .fallback_words = "found by itself: what the Engine says or said last, else `/var/lib/docker`",
     .help =
         "Docker's data directory; container logs are read below it. `none`: its files cannot be "
         "had (Docker Desktop, another host); the Engine is asked to stream every log."},
    {WHOLE(IN("docker", "host"), host, docker_host),
     .fallback_words = "`DOCKER_HOST` of the environment, else `unix:///var/run/docker.sock`",
     .help = "Where the Docker Engine listens. `none`: it is not asked, the disk says everything."},
    {WHOLE(IN("docker", "reconcile"), duration, reconcile_ns), .fallback = "60s",
     .minimum = 1 * SECOND, .maximum = 1 * HOUR,
     .help = "How often everything known is compared with the disk and the Engine again."},
    {WHOLE(IN("journald", "directory"), path, journal_directory),
     .fallback_words = "the system's own journal",
     .help = "Where the journal's files are, for containers with the log driver `journald`."},
    {WHOLE(TOP("state"), path, state),
     .fallback_words = "`/var/lib/tallyman`; without root `$XDG_STATE_HOME/tallyman`, else "
                       "`~/.local/state/tallyman`",
     .help = "The directory of cursors and tallies. One tallyman at a time uses it."},
    {WHOLE(TOP("pins"), path, pins), .fallback_words = "`pins` in the directory `state`",
     .help = "The directory of hard links that keep unread log files. It must be on the mount of "
             "`docker.root`; elsewhere open descriptors keep them, until tallyman ends."},
    {WHOLE(TOP("pins_max"), size, pins_max_bytes), .fallback = "1GiB", .maximum = 1024 * TIB,
     .help = "How much may be kept that Docker has let go of. Past it the oldest goes, and is "
             "booked as a gap."},
    {WHOLE(TOP("record_max"), size, record_max_bytes), .fallback = "1MiB", .minimum = 256 * KIB,
     .maximum = 1 * MIB,
     .help = "The longest record that is read from a log file. A longer one is skipped, and booked "
             "as a gap."},
    {WHOLE(IN("ledger", "keep"), duration, ledger_keep_ns), .fallback = "30d", .minimum = 1 * HOUR,
     .maximum = 3650 * DAY,
     .help = "How long the tallies of a removed container are kept on their own; then they are "
             "folded into daily totals."},
    {WHOLE(IN("labels", "source"), text, label_source), .fallback = "docker",
     .help = "The label `source` of every line. Empty: no such label."},
    {WHOLE(IN("labels", "service"), text, label_service), .fallback = "ssw-log-capturer",
     .help = "The label `service` of every line. Empty: no such label."},
    {WHOLE(IN("log", "level"), choice, log_level), .fallback = "info",
     .words = WORDS("debug", "info", "warn", "error"),
     .help = "How much tallyman says of itself, on stderr."},
    {WHOLE(IN("admin", "listen"), listen, admin_listen), .fallback = "127.0.0.1:9777",
     .help = "Where `/metrics`, `/-/healthy`, `/-/ready` and `/api/v1/status` are served: an "
             "address by number, or a socket (mode 0660). Whoever reaches it may read all of "
             "it, and have dead letters sent again or given up; what a web page sends (`Origin`) "
             "changes nothing. `none`: nowhere."},
    {.scope = CONFIG_WHOLE,
     TOP("routes"),
     .fallback_words = "one route `files`: every container, from the beginning, to "
                       "`<state>/logs/{container_name}.ndjson`",
     .help = "Where the lines go: a list of routes, each with the keys below."},

    {ROUTE(TOP("name"), name, name), .required = true,
     .help = "Names the route and its ledger; unique."},
    {ROUTE(IN("match", "container_name"), globs, match.include.container_name),
     .help = "Takes containers by name."},
    {ROUTE(IN("match", "image"), globs, match.include.image),
     .help = "Takes containers by image, as it was given to `docker run`."},
    {ROUTE(IN("match", "id"), globs, match.include.id),
     .help = "Takes containers by id; 12 or more of its first digits are enough."},
    {ROUTE(IN("match", "compose_project"), globs, match.include.compose_project),
     .help = "Takes containers by Compose project."},
    {ROUTE(IN("match", "label"), label_globs, match.include),
     .help = "Takes containers by Docker label: each one named must be there and match."},
    {ROUTE(IN("exclude", "container_name"), globs, match.exclude.container_name),
     .help = "Leaves out containers by name."},
    {ROUTE(IN("exclude", "image"), globs, match.exclude.image),
     .help = "Leaves out containers by image."},
    {ROUTE(IN("exclude", "id"), globs, match.exclude.id), .help = "Leaves out containers by id."},
    {ROUTE(IN("exclude", "compose_project"), globs, match.exclude.compose_project),
     .help = "Leaves out containers by Compose project."},
    {ROUTE(IN("exclude", "label"), label_globs, match.exclude),
     .help = "Leaves out containers by Docker label: any one named that is there and matches."},
    {ROUTE(TOP("start"), start, start), .fallback = "beginning",
     .help = "Where to begin with containers created before the route was first used: at their "
             "first line, at their next one, or at the lines of the time before. All later "
             "containers are read from their beginning."},
    {ROUTE(IN("batch", "age"), duration, batch_age_ns), .fallback = "1s", .maximum = 1 * HOUR,
     .help = "How long a line may wait for others. `0`: not at all."},
    {ROUTE(IN("batch", "bytes"), size, batch_bytes_max), .of_requests = true, .fallback = "1MiB",
     .minimum = 64 * KIB, .maximum = 16 * MIB,
     .help = "A request is sent when its body, before it is compressed, has about so many bytes; "
             "only one that holds a single line may have more."},
    {ROUTE(IN("batch", "lines"), count, batch_lines_max), .of_requests = true, .fallback = "20000",
     .minimum = 1, .maximum = 1000000, .help = "A request is sent when it has so many lines."},
    {ROUTE(TOP("dead_letters_max"), size, dead_letters_bytes_max), .of_requests = true,
     .fallback = "64MiB", .minimum = 1 * MIB, .maximum = 1024 * TIB,
     .help = "How much is kept of the lines that the server refused for what is in them "
             "(`tallyman dead`). When that is full the route stops, and says so."},
    {ROUTE(TOP("sink"), sink, sink), .required = true,
     .help = "Where the lines go, see [Sinks](#sinks)."},
};

const size_t config_key_count = ARRAY_SIZE(config_keys);
_Static_assert(ARRAY_SIZE(config_keys) <= CONFIG_KEY_COUNT_MAX, "make room for more keys");
