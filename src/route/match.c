// SPDX-License-Identifier: Apache-2.0
#include "route/match.h"

#include <fnmatch.h>
#include <string.h>

static const char opt_out_label[] = "tallyman.enable";

/* `value` may be NULL: what is not there, no glob matches. */
static bool globs_match(const struct globs *globs, const char *value)
{
    for (size_t i = 0; value && i < globs->count; i++)
        if (fnmatch(globs->items[i], value, 0) == 0)
            return true;
    return false;
}

/* The first digits of an id, as Docker itself shortens it. */
static bool is_short_id(const char *glob, const char *id)
{
    size_t size = strspn(glob, "0123456789abcdef");
    return glob[size] == '\0' && size >= CONTAINER_SHORT_ID_SIZE && strncmp(glob, id, size) == 0;
}

static bool id_matches(const struct globs *globs, const char *id)
{
    for (size_t i = 0; i < globs->count; i++)
        if (is_short_id(globs->items[i], id))
            return true;
    return globs_match(globs, id);
}

static bool label_matches(const struct label_globs *label, const struct container *c)
{
    return globs_match(&label->values, container_label(c, label->key));
}

static const char *compose_project(const struct container *c)
{
    return container_label(c, "com.docker.compose.project");
}

/* Every key that is present does. */
static bool all_match(const struct match_keys *keys, const struct container *c)
{
    if (keys->container_name.count && !globs_match(&keys->container_name, c->name))
        return false;
    if (keys->image.count && !globs_match(&keys->image, c->image))
        return false;
    if (keys->id.count && !id_matches(&keys->id, c->id))
        return false;
    if (keys->compose_project.count && !globs_match(&keys->compose_project, compose_project(c)))
        return false;
    for (size_t i = 0; i < keys->label_count; i++)
        if (!label_matches(&keys->labels[i], c))
            return false;
    return true;
}

/* Some key that is present does. */
static bool any_matches(const struct match_keys *keys, const struct container *c)
{
    for (size_t i = 0; i < keys->label_count; i++)
        if (label_matches(&keys->labels[i], c))
            return true;
    return globs_match(&keys->container_name, c->name) || globs_match(&keys->image, c->image) ||
           id_matches(&keys->id, c->id) || globs_match(&keys->compose_project, compose_project(c));
}

bool match_container(const struct match *m, const struct container *c)
{
    const char *enable = container_label(c, opt_out_label);

    if (enable && strcmp(enable, "false") == 0)
        return false;
    return all_match(&m->include, c) && !any_matches(&m->exclude, c);
}
