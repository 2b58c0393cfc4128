// SPDX-License-Identifier: Apache-2.0
#include "docker/container_json.h"

#include "base/limits.h"
#include "base/rfc3339.h"
#include "docker/json_document.h"
#include "docker/json_pairs.h"
#include "docker/json_prune.h"
#include "docker/log_rotation.h"

#include <errno.h>

/* S13: exactly one slash; "" and "/" are no trouble. */
static const char *plain_name(const char *name)
{
    return *name == '/' ? name + 1 : name;
}

/* S15: the first word of Cmd, else Path. Cmd has been a bare string in old records. */
static const char *command_of(struct json_document *d)
{
    json_t *command = json_document_any(d, "Config.Cmd");

    if (json_is_array(command))
        command = json_array_get(command, 0);
    if (command && !json_is_string(command) && !json_is_null(command))
        json_document_wrong(d, "Config.Cmd", NULL, "strings", command);
    if (json_is_string(command) && *json_string_value(command))
        return json_string_value(command);
    return json_document_text(d, "Path");
}

static int64_t time_of(struct json_document *d, const char *path)
{
    int64_t ns;
    return rfc3339_parse(span_of(json_document_text(d, path)), &ns) == 0 ? ns : RFC3339_ZERO_NS;
}

/* The health word where there is a healthcheck, else the state. */
static const char *status_of(struct json_document *d, const char *state)
{
    const char *health = json_document_text(d, "State.Health.Status");
    return *health && strcmp(health, "none") != 0 ? health : state;
}

static const char *state_on_disk(struct json_document *d, int64_t started_ns)
{
    static const struct {
        const char *path, *state;
    } flags[] = {
        {"State.Dead", "dead"},
        {"State.RemovalInProgress", "removing"},
        {"State.Restarting", "restarting"},
        {"State.Paused", "paused"},
        {"State.Running", "running"},
    };
    if (!json_document_object(d, "State"))
        return ""; /* S15 */
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (json_document_flag(d, flags[i].path))
            return flags[i].state;
    return started_ns == RFC3339_ZERO_NS ? "created" : "exited";
}

/* As dockerd reads it: Go's words for true. */
static bool true_option(struct json_document *d, const char *path)
{
    static const char *const words[] = {"1", "t", "T", "true", "TRUE", "True"};
    const char *value = json_document_text(d, path);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(value, words[i]) == 0)
            return true;
    return false;
}

/* What both documents say under the same names. */
static void fill_common(struct container_fields *f, struct json_document *d)
{
    f->name = plain_name(json_document_text(d, "Name"));
    f->image = json_document_text(d, "Config.Image");
    f->created_ns = time_of(d, "Created");
    f->started_ns = time_of(d, "State.StartedAt");
    f->hostname = json_document_text(d, "Config.Hostname");
    f->command = command_of(d);
    f->log_path = json_document_text(d, "LogPath");
    f->tty = json_document_flag(d, "Config.Tty");
}

/* Gathers labels and networks, and makes the record unless a document was wrong. */
static int finish(struct container **ret, struct container_fields *f, struct json_document *d,
                  const struct json_document *other)
{
    CLEANUP(json_pairs_free) struct pair *labels = NULL;
    CLEANUP(json_pairs_free) struct pair *networks = NULL;

    int r = json_pairs_texts(d, "Config.Labels", &labels, &f->labels);
    if (r == 0)
        r = json_pairs_addresses(d, "NetworkSettings.Networks", &networks, &f->networks);
    if (r < 0)
        return error_set(d->error, r, "%s: no memory", d->name);
    if (d->failed || other->failed)
        return d->failed ? d->failed : other->failed;

    if (!container_id_valid(f->id))
        return error_set(d->error, -EBADMSG, "%s: no container id of 64 hex digits", d->name);
    r = container_new(ret, f);
    return r < 0 ? error_set(d->error, r, "%s: no memory", d->name) : 0;
}

/* Both outcomes are spelled alike, so that neither leaks into the other's callers. */
static int outcome(int r)
{
    return r == JSON_DOCUMENT_E_CUT ? CONTAINER_JSON_E_CUT : r;
}

int container_from_inspect(struct container **ret, struct span text,
                           const struct container_constants *constants, struct error *error)
{
    CLEANUP(json_document_deinit) struct json_document d;
    int r = json_document_init(&d, "inspect answer", text, error);
    if (r != 0)
        return outcome(r);

    struct container_fields f = {.constants = *constants};
    fill_common(&f, &d);
    f.id = json_document_text(&d, "Id");
    f.state = json_document_text(&d, "State.Status");
    f.status = status_of(&d, f.state);
    f.platform = json_document_text(&d, "Platform");
    f.network_mode = json_document_text(&d, "HostConfig.NetworkMode");
    f.log_driver = json_document_text(&d, "HostConfig.LogConfig.Type");
    f.cache_disabled = true_option(&d, "HostConfig.LogConfig.Config.cache-disabled");
    f.rotation_bytes = log_rotation_bytes(
        f.log_driver, json_document_text(&d, "HostConfig.LogConfig.Config.max-size"));
    return finish(ret, &f, &d, &d);
}

/* What container_from_disk() asks for, of files of which most is of no interest here: the output of
 * health checks, environments, settings of the network. */
static const struct json_kept state_kept[] = {
    {"Dead", NULL},
    {"RemovalInProgress", NULL},
    {"Paused", NULL},
    {"Restarting", NULL},
    {"Running", NULL},
    {"StartedAt", NULL},
    {"Health", (const struct json_kept[]){{"Status", NULL}, {0}}},
    {0},
};
static const struct json_kept setting_kept[] = {
    {"Hostname", NULL}, {"Tty", NULL}, {"Cmd", NULL}, {"Image", NULL}, {"Labels", NULL}, {0},
};
static const struct json_kept address_kept[] = {
    {"IPAddress", NULL},
    {"GlobalIPv6Address", NULL},
    {0},
};
static const struct json_kept network_kept[] = {
    {"Networks", (const struct json_kept[]){{"*", address_kept}, {0}}},
    {0},
};
static const struct json_kept config_kept[] = {
    {"State", state_kept},
    {"ID", NULL},
    {"Created", NULL},
    {"Path", NULL},
    {"Config", setting_kept},
    {"NetworkSettings", network_kept},
    {"LogPath", NULL},
    {"Name", NULL},
    {"OS", NULL},
    {"ImagePlatform", NULL},
    {0},
};
static const struct json_kept hostconfig_kept[] = {
    {"LogConfig", NULL},
    {"NetworkMode", NULL},
    {0},
};

/* Where what is left does not parse, the whole does not either, and its words name the place. */
static int parse_kept(struct json_document *d, const char *name, struct span text,
                      const struct json_kept *kept, struct error *error)
{
    CLEANUP(buf_deinit) struct buf room = BUF_INIT(CONTAINER_JSON_MAX);
    struct span left = json_prune(text, kept, &room);
    int r = json_document_init(d, name, left, error);
    return r == 0 || left.data == text.data ? r : json_document_init(d, name, text, error);
}

int container_from_disk(struct container **ret, struct span config, struct span hostconfig,
                        const struct container_constants *constants, struct error *error)
{
    CLEANUP(json_document_deinit) struct json_document d = {0};
    CLEANUP(json_document_deinit) struct json_document host = {0};
    int r = parse_kept(&d, "config.v2.json", config, config_kept, error);
    if (r == 0)
        r = parse_kept(&host, "hostconfig.json", hostconfig, hostconfig_kept, error);
    if (r != 0)
        return outcome(r);

    struct container_fields f = {.constants = *constants};
    fill_common(&f, &d);
    f.id = json_document_text(&d, "ID");
    f.state = state_on_disk(&d, f.started_ns);
    f.status = status_of(&d, f.state);
    f.platform = json_document_text(&d, "OS");
    if (!*f.platform) /* Engine 29 has both and means to drop OS */
        f.platform = json_document_text(&d, "ImagePlatform.os");
    f.network_mode = json_document_text(&host, "NetworkMode");
    f.log_driver = json_document_text(&host, "LogConfig.Type");
    f.cache_disabled = true_option(&host, "LogConfig.Config.cache-disabled");
    f.rotation_bytes =
        log_rotation_bytes(f.log_driver, json_document_text(&host, "LogConfig.Config.max-size"));
    return finish(ret, &f, &d, &host);
}
