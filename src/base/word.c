// SPDX-License-Identifier: Apache-2.0
#include "base/word.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { PLACES_MIN = 64 };

struct word {
    uint32_t refs;
    char text[];
};

static struct {
    pthread_mutex_t lock;
    struct word **places; /* open addressing by hash; capacity is 0 or a power of two */
    size_t capacity, used;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* FNV-1a: the texts are short, and what they are does not come from outside in bulk. */
static uint32_t hash_of(const char *text)
{
    uint32_t hash = 0x811c9dc5;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x01000193;
    return hash;
}

/* Where the text is, or the free place where it would go. */
static size_t place(const char *text)
{
    size_t i = hash_of(text) & (all.capacity - 1);
    while (all.places[i] && strcmp(all.places[i]->text, text) != 0)
        i = (i + 1) & (all.capacity - 1);
    return i;
}

static bool resize(size_t capacity)
{
    struct word **old = all.places;
    size_t old_capacity = all.capacity;
    struct word **places = capacity ? calloc(capacity, sizeof(*places)) : NULL;
    if (capacity && !places)
        return false;
    all.places = places;
    all.capacity = capacity;
    for (size_t i = 0; capacity && i < old_capacity; i++)
        if (old[i])
            all.places[place(old[i]->text)] = old[i];
    free(old);
    return true;
}

static struct word *add(const char *text)
{
    if (4 * (all.used + 1) > 3 * all.capacity &&
        !resize(all.capacity ? 2 * all.capacity : PLACES_MIN))
        return NULL;
    size_t size = strlen(text) + 1;
    struct word *word = malloc(sizeof(*word) + size);
    if (!word)
        return NULL;
    word->refs = 0;
    memcpy(word->text, text, size);
    all.places[place(text)] = word;
    all.used++;
    return word;
}

/* Closes the hole that it leaves in its run. */
static void take_out(size_t i)
{
    size_t last = all.capacity - 1;
    free(all.places[i]);
    all.places[i] = NULL;
    all.used--;
    for (size_t k = (i + 1) & last; all.places[k]; k = (k + 1) & last) {
        struct word *moved = all.places[k];
        all.places[k] = NULL;
        all.places[place(moved->text)] = moved;
    }
    if (all.used == 0)
        resize(0);
}

const char *word_take(const char *text)
{
    pthread_mutex_lock(&all.lock);
    struct word *word = all.capacity ? all.places[place(text)] : NULL;
    if (!word)
        word = add(text);
    if (word)
        word->refs++;
    pthread_mutex_unlock(&all.lock);
    return word ? word->text : NULL;
}

const char *word_drop(const char *word)
{
    if (!word)
        return NULL;
    pthread_mutex_lock(&all.lock);
    size_t i = place(word);
    CHECK(all.places[i] && all.places[i]->text == word);
    if (--all.places[i]->refs == 0)
        take_out(i);
    pthread_mutex_unlock(&all.lock);
    return NULL;
}

size_t word_count(void)
{
    pthread_mutex_lock(&all.lock);
    size_t count = all.used;
    pthread_mutex_unlock(&all.lock);
    return count;
}
