// SPDX-License-Identifier: Apache-2.0
#include "journal_rig.h"

#include <zlib.h>

#include "scratch.h"

enum { PULLS_MAX = 1000, SHOWN_MAX = 40, FILE_BYTES_MAX = 16 * 1024 * 1024 };

static struct container *make_container(size_t i, const char *name)
{
    char id[CONTAINER_ID_SIZE + 1];
    memset(id, 'a' + (int)i, CONTAINER_ID_SIZE);
    id[CONTAINER_ID_SIZE] = '\0';
    struct container_fields fields = {.id = id, .name = name, .state = "running"};
    struct container *c;
    assert_int_equal(container_new(&c, &fields), 0);
    return c;
}

static bool wants(void *context, const struct container *c)
{
    const struct journal_rig *r = context;
    return !r->unwanted || strcmp(c->name, r->unwanted) != 0;
}

static void activate(void *context, struct journal_source *s)
{
    struct journal_rig *r = context;
    r->activated[s - r->sources]++;
}

void journal_rig_add_era(struct journal_rig *r, size_t i, uint64_t realtime_us, const char *name)
{
    assert_true(r->era_counts[i] < RIG_ERAS_MAX);
    r->eras[i][r->era_counts[i]++] = (struct era){0, realtime_us, make_container(i, name)};
    r->version++;
}

static void new_journal(struct journal_rig *r, bool once)
{
    struct journal_options options = {
        .directory = r->directory, .once = once, .activate = activate, .context = r};
    assert_int_equal(journal_new(&r->journal, &options), 0);
}

void journal_rig_init(struct journal_rig *r, void *const *state, enum message_form form)
{
    *r = (struct journal_rig){.came = BUF_INIT(1024 * 1024)};
    snprintf(r->directory, sizeof(r->directory), "%s", (const char *)*state);
    assert_int_equal(follow_tools_init(&r->tools, form), 0);
    assert_int_equal(batch_init(&r->batch, form), 0);
    r->tools.wants = wants;
    r->tools.context = r;
    for (size_t i = 0; i < RIG_SOURCES; i++) {
        journal_rig_add_era(r, i, 0, (const char[]){(char)('a' + (int)i), '\0'});
        assert_int_equal(slot_new(&r->slots[i], r->eras[i][0].container->id, 1), 0);
        r->slots[i]->journal = true;
        follow_init(&r->follows[i], r->slots[i], &CURSOR_INIT);
        r->sources[i].follow = &r->follows[i];
    }
    new_journal(r, false);
}

static void leave_all(struct journal_rig *r)
{
    for (size_t i = 0; i < RIG_SOURCES; i++)
        journal_leave(r->journal, &r->sources[i]);
    r->journal = journal_free(r->journal);
}

void journal_rig_deinit(struct journal_rig *r)
{
    leave_all(r);
    for (size_t i = 0; i < RIG_SOURCES; i++) {
        follow_deinit(&r->follows[i]);
        slot_unref(r->slots[i]);
        for (size_t e = 0; e < r->era_counts[i]; e++)
            container_unref(r->eras[i][e].container);
    }
    follow_tools_deinit(&r->tools);
    batch_deinit(&r->batch);
    buf_deinit(&r->came);
}

void journal_rig_restart(struct journal_rig *r, bool once)
{
    leave_all(r);
    r->tools.join_owner = NULL;
    join_drop(&r->tools.join);
    for (size_t i = 0; i < RIG_SOURCES; i++)
        r->sources[i] = (struct journal_source){.follow = &r->follows[i]};
    new_journal(r, once);
}

void journal_rig_add_file(struct journal_rig *r, const char *name)
{
    char path[2 * RIG_PATH_MAX];
    char *bytes = malloc(FILE_BYTES_MAX);
    snprintf(path, sizeof(path), TEST_DATA "/journal/%s.journal.gz", name);
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    int size = gzread(file, bytes, FILE_BYTES_MAX);
    assert_true(size > 0 && size < FILE_BYTES_MAX);
    assert_int_equal(gzclose(file), Z_OK);
    snprintf(path, sizeof(path), "%s/%s.new", r->directory, name);
    scratch_write(path, bytes, (size_t)size);
    free(bytes);
    char final[2 * RIG_PATH_MAX];
    snprintf(final, sizeof(final), "%s/%s.journal", r->directory, name);
    assert_int_equal(rename(path, final), 0);
}

void journal_rig_remove_file(struct journal_rig *r, const char *name)
{
    char path[2 * RIG_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s.journal", r->directory, name);
    assert_int_equal(unlink(path), 0);
}

struct view *journal_rig_view(struct journal_rig *r, size_t i)
{
    struct view *view;
    assert_int_equal(view_new(&view, r->version, r->gone, NULL, 0, r->eras[i], r->era_counts[i]),
                     0);
    return view;
}

static void append_message(struct buf *to, struct span m)
{
    if (m.size <= SHOWN_MAX)
        buf_append_format(to, "%.*s", (int)m.size, m.data);
    else
        buf_append_format(to, "%zu bytes %.2s..%.2s", m.size, m.data, m.data + m.size - 2);
}

void journal_rig_print(struct journal_rig *r, const struct batch *batch)
{
    for (size_t i = 0; i < batch->gap_count; i++) {
        const struct gap *gap = &batch->gaps[i];
        buf_append_format(&r->came, "%s gap %s ", batch->container->name,
                          gap_reason_word(gap->reason));
        if (gap->bytes == GAP_BYTES_UNKNOWN)
            buf_append_format(&r->came, "?\n");
        else
            buf_append_format(&r->came, "%lld\n", (long long)gap->bytes);
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *e = &batch->entries[i];
        buf_append_format(
            &r->came, "%s %s%s%s%s:", batch->container->name,
            e->stream == STREAM_STDERR ? "e" : "o", e->flags & ENTRY_PARTIAL ? "p" : "",
            e->flags & ENTRY_CONTINUED ? "c" : "", e->flags & ENTRY_UNTERMINATED ? "u" : "");
        append_message(&r->came, e->message);
        buf_append_char(&r->came, '\n');
    }
}

int journal_rig_pull_once(struct journal_rig *r, size_t i)
{
    CLEANUP(view_unref) struct view *view = journal_rig_view(r, i);
    int outcome = journal_pull(r->journal, &r->sources[i], &r->tools, view, &r->batch);
    assert_true(outcome >= 0);
    if (outcome == FOLLOW_PROGRESS)
        journal_rig_print(r, &r->batch);
    return outcome;
}

void journal_rig_pull(struct journal_rig *r, size_t i)
{
    for (int pulls = 0; pulls < PULLS_MAX; pulls++) {
        int outcome = journal_rig_pull_once(r, i);
        if (outcome == FOLLOW_IDLE || outcome == FOLLOW_END)
            return;
    }
    fail_msg("a source does not come to rest");
}

void journal_rig_settle(struct journal_rig *r)
{
    enum journal_look look;
    do {
        look = journal_look(r->journal, clock_monotonic_ns());
        for (size_t i = 0; i < RIG_SOURCES; i++)
            journal_rig_pull(r, i);
    } while (look != JOURNAL_NOTHING);
}

void assert_came(struct journal_rig *r, const char *expected)
{
    const char *came = buf_string(&r->came);
    assert_string_equal(came ? came : "", expected);
    buf_clear(&r->came);
}
