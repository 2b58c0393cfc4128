// SPDX-License-Identifier: Apache-2.0
#include "source/journal_handle.h"

#include <errno.h>
#include <systemd/sd-journal.h>

#include "base/clock.h"
#include "base/resource.h"

#define ID_FIELD     "CONTAINER_ID_FULL"
#define BY_TRANSPORT "_TRANSPORT=journal"

struct journal_handle {
    sd_journal *journal;
    int fd;
    bool standing; /* the seek has come to stand on the next entry already */
};

static int open_journal(struct journal_handle *h, const char *directory)
{
    int r = directory ? sd_journal_open_directory(&h->journal, directory, 0)
                      : sd_journal_open(&h->journal, SD_JOURNAL_LOCAL_ONLY);
    if (r < 0)
        return r;
    resource_opened(RESOURCE_JOURNAL);
    r = sd_journal_set_data_threshold(h->journal, 0); /* else long fields are cut */
    if (r < 0)
        return r;
    /* Before the first look: it is from here on that nothing escapes the watch. */
    h->fd = sd_journal_get_fd(h->journal);
    if (h->fd < 0)
        return h->fd;
    r = sd_journal_seek_head(h->journal);
    if (r < 0)
        return r;
    r = sd_journal_next(h->journal);
    return r < 0 ? r : r == 0 ? -ENOENT : 0;
}

int journal_handle_open(struct journal_handle **ret, const char *directory, struct error *error)
{
    CLEANUP(journal_handle_close) struct journal_handle *h = calloc(1, sizeof(*h));
    if (!h)
        return error_set(error, -ENOMEM, "no memory");
    int r = open_journal(h, directory);
    if (r < 0)
        return error_set(error, r,
                         "nothing can be read of the journal %s as user %u: %s; journald must run, "
                         "its files must be there, and the user needs the group systemd-journal or "
                         "adm",
                         directory ? directory : "of this system", (unsigned)geteuid(),
                         strerror(-r));
    *ret = TAKE(h);
    return 0;
}

struct journal_handle *journal_handle_close(struct journal_handle *h)
{
    if (!h)
        return NULL;
    if (h->journal) {
        sd_journal_close(h->journal);
        resource_closed(RESOURCE_JOURNAL);
    }
    free(h);
    return NULL;
}

int journal_handle_fd(const struct journal_handle *h)
{
    return h->fd;
}

int64_t journal_handle_due_ns(struct journal_handle *h)
{
    uint64_t due_us;
    if (sd_journal_get_timeout(h->journal, &due_us) < 0 ||
        due_us > (uint64_t)(INT64_MAX / NS_PER_US))
        return INT64_MAX;
    return (int64_t)due_us * NS_PER_US;
}

bool journal_handle_process(struct journal_handle *h)
{
    return sd_journal_process(h->journal) == SD_JOURNAL_INVALIDATE;
}

/* NULL: of all containers. */
static int match(struct journal_handle *h, const char *id)
{
    sd_journal_flush_matches(h->journal);
    int r = sd_journal_add_match(h->journal, BY_TRANSPORT, sizeof(BY_TRANSPORT) - 1);
    if (r < 0 || !id)
        return r;
    char text[sizeof(ID_FIELD) + CONTAINER_ID_SIZE + 1];
    int size = snprintf(text, sizeof(text), ID_FIELD "=%s", id);
    return sd_journal_add_match(h->journal, text, (size_t)size);
}

/* Steps to the entry, or to the first behind it. 1; or 0, where there is none. */
static int step_to(struct journal_handle *h, const struct journal_place *place, bool *ret_found)
{
    char text[JOURNAL_PLACE_TEXT_SIZE];
    journal_place_print(place, text);
    int r = sd_journal_seek_cursor(h->journal, text);
    if (r >= 0)
        r = sd_journal_next(h->journal);
    *ret_found = r > 0 && sd_journal_test_cursor(h->journal, text) > 0;
    return r;
}

/* journald numbers its entries one by one: where the next number follows, none is missing between,
 * though the place itself is gone. */
static bool stands_on_next(struct journal_handle *h, const struct journal_place *place)
{
    struct journal_place next;
    return journal_handle_place(h, &next) == 0 &&
           fingerprint_equal(next.numbering, place->numbering) && next.number == place->number + 1;
}

int journal_handle_seek_at(struct journal_handle *h, const char *id,
                           const struct journal_place *place)
{
    bool found;
    int r = match(h, id);
    if (r >= 0)
        r = step_to(h, place, &found);
    h->standing = r > 0;
    return r < 0 ? r : 0;
}

int journal_handle_seek(struct journal_handle *h, const char *id, const struct journal_place *place,
                        bool *ret_found)
{
    bool is_entry = place && journal_place_is_entry(place);
    h->standing = false;
    *ret_found = true;
    if (is_entry) { /* before any match, since it may be nobody's */
        sd_journal_flush_matches(h->journal);
        int r = step_to(h, place, ret_found);
        if (r < 0)
            return r;
    }
    if (!*ret_found) {
        *ret_found = stands_on_next(h, place);
        return journal_handle_seek_at(h, id, place);
    }
    int r = match(h, id);
    if (r < 0 || is_entry)
        return r < 0 ? r : 0;
    return place ? sd_journal_seek_realtime_usec(h->journal, place->realtime_us)
                 : sd_journal_seek_head(h->journal);
}

int journal_handle_newest(struct journal_handle *h, unsigned back, struct journal_place *ret)
{
    h->standing = false;
    sd_journal_flush_matches(h->journal);
    int r = sd_journal_seek_tail(h->journal);
    for (unsigned i = 0; r >= 0 && i <= back; i++) {
        r = sd_journal_previous(h->journal);
        if (r == 0)
            return 0;
    }
    if (r >= 0)
        r = journal_handle_place(h, ret);
    return r < 0 ? r : 1;
}

int journal_handle_next(struct journal_handle *h)
{
    if (h->standing) {
        h->standing = false;
        return 1;
    }
    return sd_journal_next(h->journal);
}

int journal_handle_place(struct journal_handle *h, struct journal_place *ret)
{
    CLEANUP_FREE char *text = NULL;
    int r = sd_journal_get_cursor(h->journal, &text);
    return r < 0 ? r : journal_place_parse(ret, text);
}

int journal_handle_id(struct journal_handle *h, char ret[CONTAINER_ID_SIZE + 1])
{
    const void *data;
    size_t size, prefix = sizeof(ID_FIELD "=") - 1;
    int r = sd_journal_get_data(h->journal, ID_FIELD, &data, &size);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    if (size != prefix + CONTAINER_ID_SIZE)
        return 0;
    memcpy(ret, (const char *)data + prefix, CONTAINER_ID_SIZE);
    ret[CONTAINER_ID_SIZE] = '\0';
    return 1;
}

int journal_handle_read(struct journal_handle *h, const struct journal_place *place,
                        struct journal_record *ret, struct buf *text)
{
    struct journal_record_parts parts;
    const void *data;
    size_t size;
    int r;
    journal_record_begin(ret, &parts, place, text);
    sd_journal_restart_data(h->journal);
    while ((r = sd_journal_enumerate_available_data(h->journal, &data, &size)) > 0)
        journal_record_field(ret, &parts, (struct span){data, size}, text);
    journal_record_end(ret);
    return r < 0 ? r : text->failed;
}
