/* config — the whole configuration as plain structs, filled from one YAML file by one table.
 *
 * agent/config_table.c lists every key once: name, type, default, bounds, unit, help; the options
 * of a sink are listed by the sink. The parser, `check --print` and docs/configuration.md are made
 * from these tables. A wrong key, type or value is one error "file:line:column: …" with the nearest
 * known key, and nothing is started.
 *
 * - Owns: all its strings. Immutable once loaded.
 * - Nothing below agent/ parses configuration: it is given filled structs.
 */
#pragma once

#include "base/error.h"
#include "base/log.h"
#include "route/match.h"
#include "route/start.h"
#include "sink/sink.h"

#include <stdint.h>
#include <stdio.h>

struct route_config {
    const char *name; /* [A-Za-z0-9_-]+, unique: it names the ledger file */
    struct match match;
    enum start_kind start;
    int64_t start_since_ns; /* START_SINCE: this long before the first attach */
    int64_t batch_age_ns;   /* batch.age: how long a line may wait; 0: at once */
    int64_t batch_bytes_max, batch_lines_max, dead_letters_bytes_max; /* 0: not of this sink */
    struct sink_config sink;
};

struct config {
    const char *docker_root; /* NULL: find it (Engine's /info, else /var/lib/docker); "none": no
                                files are to be had, the Engine is asked for streams */
    const char *docker_host; /* NULL: DOCKER_HOST, else unix:///var/run/docker.sock; "none": disk */
    const char *state;       /* directory */
    const char *pins;        /* directory; never NULL once loaded */
    int64_t pins_max_bytes;  /* quota over segments that only pins keep alive */
    int64_t record_max_bytes;
    int64_t reconcile_ns; /* how often the whole of disk and Engine is compared again */
    int64_t ledger_keep_ns;
    const char *journal_directory; /* NULL: the system's */
    const char *label_source;      /* S42; "": no such label */
    const char *label_service;     /* S42; "": no such label */
    enum log_level log_level;
    const char *admin_listen; /* as admin_address_parse takes it */
    struct route_config *routes;
    size_t route_count;
    void *storage; /* owned: everything above */
};

/* Reads `path`; NULL: the built-in configuration (local Docker, every container, one file route).
 * -EINVAL with "file:line:column: …" for a wrong file, -errno for one that cannot be read. */
int config_load(struct config **ret, const char *path, struct error *error) MUST_CHECK;
struct config *config_free(struct config *c);
DEFINE_CLEANUP(struct config *, config_free)

/* The effective configuration, defaults included, as YAML that config_load reads back. */
void config_print(const struct config *c, FILE *to);
/* docs/configuration.md, from the table. */
void config_document(FILE *to);
