// SPDX-License-Identifier: Apache-2.0
#include "model/container_labels.h"

#include "base/check.h"

#include <errno.h>

#define NETWORK_PREFIX "network_"
#define LABEL_PREFIX   "container_label_"

enum {
    SUFFIX_SIZE = sizeof("_4294967295"), /* bytes kept free behind a key that may need one */
    FIXED_COUNT = 8,                     /* container_id … network */
    PROMOTED_COUNT = 4,                  /* compose and swarm */
    CONSTANT_COUNT = 2,                  /* source, service */
};

const char *container_store_keep(struct container_store *s, const char *text)
{
    size_t size = (text ? strlen(text) : 0) + 1;

    CHECK((size_t)(s->text_end - s->text) >= size);
    char *kept = s->text;
    s->text += size;
    memcpy(kept, text ? text : "", size);
    return kept;
}

size_t container_labels_count_max(const struct container_fields *fields)
{
    return FIXED_COUNT + fields->networks.count + PROMOTED_COUNT + fields->labels.count +
           CONSTANT_COUNT;
}

size_t container_labels_text_max(const struct container_fields *fields)
{
    size_t size = CONTAINER_SHORT_ID_SIZE + 1;

    for (size_t i = 0; i < fields->networks.count; i++)
        size += strlen(NETWORK_PREFIX) + strlen(fields->networks.items[i].key) + SUFFIX_SIZE;
    for (size_t i = 0; i < fields->labels.count; i++)
        size += strlen(LABEL_PREFIX) + strlen(fields->labels.items[i].key) + SUFFIX_SIZE;
    return size;
}

/* Keys and values stay where they are: the record's own strings, or literals. */
static void add(struct container *c, struct container_store *store, const char *key,
                const char *value)
{
    if (!value || !*value)
        return;
    CHECK(store->pairs < store->pairs_end);
    *store->pairs++ = (struct pair){.key = key, .value = value};
    c->rendered.count++;
}

static bool allowed_in_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The prefix, whose first byte is a letter, makes any key begin as it should. */
static char *sanitised(struct container_store *store, const char *prefix, const char *key)
{
    size_t prefix_size = strlen(prefix), key_size = strlen(key);

    CHECK((size_t)(store->text_end - store->text) >= prefix_size + key_size + SUFFIX_SIZE);
    char *text = store->text;
    store->text += prefix_size + key_size + SUFFIX_SIZE;
    memcpy(text, prefix, prefix_size);
    for (size_t i = 0; i < key_size; i++)
        text[prefix_size + i] = allowed_in_key(key[i]) ? key[i] : '_';
    text[prefix_size + key_size] = '\0';
    return text;
}

/* One sanitised key, its place in Docker's order, and the number it gets where it needs one. */
struct slot {
    char *key;
    size_t place;
    unsigned number; /* 0: none */
};

static int compare_slots(const void *a_, const void *b_)
{
    const struct slot *a = a_, *b = b_;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

struct numbered {
    const char *base;
    size_t base_size;
    char suffix[SUFFIX_SIZE];
};

static int compare_numbered(const void *wanted_, const void *slot)
{
    const struct numbered *wanted = wanted_;
    const char *key = ((const struct slot *)slot)->key;
    int order = strncmp(wanted->base, key, wanted->base_size);
    return order != 0 ? order : strcmp(wanted->suffix, key + wanted->base_size);
}

/* The lowest number from `number` on that gives no key another label has by itself. Keys with
 * numbers of ours cannot meet: the digits behind the last `_` tell their bases apart. */
static unsigned next_free(const struct slot *slots, size_t count, const char *base, unsigned number)
{
    struct numbered wanted = {.base = base, .base_size = strlen(base)};

    for (;; number++) {
        snprintf(wanted.suffix, sizeof(wanted.suffix), "_%u", number);
        if (!bsearch(&wanted, slots, count, sizeof(*slots), compare_numbered))
            return number;
    }
}

/* Numbers first, then writes: the search needs the keys as they were. */
static void tell_apart(struct slot *slots, size_t count)
{
    qsort(slots, count, sizeof(*slots), compare_slots);
    unsigned number = 1;
    for (size_t i = 1; i < count; i++) {
        if (strcmp(slots[i].key, slots[i - 1].key) != 0) {
            number = 1;
            continue;
        }
        number = next_free(slots, count, slots[i].key, number + 1);
        slots[i].number = number;
    }
    for (size_t i = 0; i < count; i++)
        if (slots[i].number)
            snprintf(slots[i].key + strlen(slots[i].key), SUFFIX_SIZE, "_%u", slots[i].number);
}

/* A key cannot grow past its prefix into another kind, so each kind is told apart by itself. */
static int add_prefixed(struct container *c, struct container_store *store, const char *prefix,
                        const struct pairs *from, bool (*wanted)(const char *key))
{
    if (from->count == 0)
        return 0;
    CLEANUP_FREE struct slot *slots = malloc(from->count * sizeof(*slots));
    if (!slots)
        return -ENOMEM;

    size_t count = 0;
    for (size_t i = 0; i < from->count; i++) {
        const struct pair *pair = &from->items[i];
        if (!*pair->value || !wanted(pair->key))
            continue;
        slots[count] = (struct slot){.key = sanitised(store, prefix, pair->key), .place = i};
        add(c, store, slots[count].key, pair->value);
        count++;
    }
    if (count)
        tell_apart(slots, count);
    return 0;
}

static bool every_key(const char *key)
{
    return true;
}

static bool kept_key(const char *key)
{
    static const char *const dropped[] = {
        "com.docker.compose.", /* S44 */
        "org.opencontainers.", /* S45 */
        "desktop.docker.io/",  /* S46 */
    };
    for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
        if (strncmp(key, dropped[i], strlen(dropped[i])) == 0)
            return false;
    return true;
}

/* D40. Docker writes "default" for the network that it calls "bridge". */
static const char *primary_network(const struct container *c)
{
    const char *mode = strcmp(c->network_mode, "default") == 0 ? "bridge" : c->network_mode;

    if (c->networks.count == 0)
        return "";
    return pairs_get(&c->networks, mode) ? mode : c->networks.items[0].key;
}

static void add_fixed(struct container *c, struct container_store *store)
{
    char short_id[CONTAINER_SHORT_ID_SIZE + 1];

    memcpy(short_id, c->id, CONTAINER_SHORT_ID_SIZE);
    short_id[CONTAINER_SHORT_ID_SIZE] = '\0';
    add(c, store, "container_id", container_store_keep(store, short_id));
    add(c, store, "container_name", c->name);
    add(c, store, "image", c->image);
    add(c, store, "state", c->state);
    add(c, store, "hostname", c->hostname);
    add(c, store, "command", c->command);
    add(c, store, "platform", c->platform);
    add(c, store, "network", primary_network(c));
}

/* D44: those that people filter by get short names; two of them are dropped by their prefix. */
static void add_promoted(struct container *c, struct container_store *store)
{
    add(c, store, "compose_project", container_label(c, "com.docker.compose.project"));
    add(c, store, "compose_service", container_label(c, "com.docker.compose.service"));
    add(c, store, "swarm_stack", container_label(c, "com.docker.stack.namespace"));
    add(c, store, "swarm_service", container_label(c, "com.docker.swarm.service.name"));
}

int container_labels_render(struct container *c, struct container_store *store)
{
    c->rendered = (struct pairs){.items = store->pairs};

    add_fixed(c, store);
    int r = add_prefixed(c, store, NETWORK_PREFIX, &c->networks, every_key);
    if (r < 0)
        return r;
    add_promoted(c, store);
    r = add_prefixed(c, store, LABEL_PREFIX, &c->labels, kept_key);
    if (r < 0)
        return r;
    add(c, store, "source", c->constants.source);
    add(c, store, "service", c->constants.service);
    return 0;
}
