// SPDX-License-Identifier: Apache-2.0
#include "source_rig.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"

enum record_format rig_format = RECORD_JSON_FILE;
enum message_form rig_form = FORM_BYTES;

enum { PULLS_MAX = 1000000 /* more than any test needs: it goes in circles */ };
enum { LOOKS_MAX = 16 /* as the monitor does */ };

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    return remove(path);
}

static bool wants(void *context, const struct container *c)
{
    const struct source_rig *r = context;
    return !r->unwanted || strcmp(c->name, r->unwanted) != 0;
}

static void wake_monitor(void *context)
{
    struct source_rig *r = context;
    r->monitor_woken++;
}

static void open_route(struct source_rig *r, const struct cursor *cursor)
{
    assert_int_equal(follow_tools_init(&r->tools, r->form), 0);
    r->tools.wants = wants;
    r->tools.wake_monitor = wake_monitor;
    r->tools.context = r;
    follow_init(&r->follow, r->slot, cursor);
}

static void close_route(struct source_rig *r)
{
    follow_deinit(&r->follow);
    follow_tools_deinit(&r->tools);
}

static struct container *new_container(const char *id, const char *name)
{
    struct container *c = NULL;
    struct container_fields fields = {
        .id = id,
        .name = name,
        .image = "busybox",
        .state = "running",
        .constants = CONTAINER_CONSTANTS_DEFAULT,
    };
    assert_int_equal(container_new(&c, &fields), 0);
    return c;
}

void rig_add_era(struct source_rig *r, uint64_t serial, uint64_t offset, const char *name)
{
    assert_true(r->era_count < RIG_ERAS_MAX);
    r->eras[r->era_count++] = (struct era){serial, offset, new_container(r->id, name)};
}

void rig_rename_container(struct source_rig *r, const char *name)
{
    struct segment *live = chain_live(r->chain);
    rig_add_era(r, live ? live->serial : 1, chain_live_size(r->chain), name);
    rig_publish(r);
}

void source_rig_init(struct source_rig *r)
{
    source_rig_init_as(r, RIG_ID, "first");
}

void source_rig_init_as(struct source_rig *r, const char *id, const char *name)
{
    *r = (struct source_rig){.came = BUF_INIT(RIG_TEXT_MAX),
                             .containers_came = BUF_INIT(RIG_TEXT_MAX),
                             .format = rig_format,
                             .form = rig_form};
    snprintf(r->id, sizeof(r->id), "%s", id);
    const char *parent = getenv("TMPDIR");
    snprintf(r->root, sizeof(r->root), "%.200s/tallyman-source-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(r->root));
    snprintf(r->containers, sizeof(r->containers), "%.300s/containers", r->root);
    snprintf(r->directory, sizeof(r->directory), "%.400s/%s", r->containers, r->id);
    if (r->format == RECORD_JSON_FILE)
        snprintf(r->live_name, sizeof(r->live_name), "%s-json.log", r->id);
    else
        snprintf(r->live_name, sizeof(r->live_name), "container.log");
    assert_int_equal(mkdir(r->containers, 0700), 0);
    assert_int_equal(mkdir(r->directory, 0700), 0);

    char pins[RIG_PATH_MAX];
    struct error error;
    snprintf(pins, sizeof(pins), "%.300s/pins", r->root);
    assert_int_equal(pin_open(&r->pins, pins, r->containers, &error), 0);
    assert_int_equal(home_new(&r->home, r->id, r->directory, r->live_name, pin_directory(r->pins)),
                     0);
    assert_int_equal(reader_new(&r->reader), 0);
    assert_int_equal(batch_init(&r->scratch, FORM_JSON), 0);
    assert_int_equal(batch_init(&r->batch, r->form), 0);
    assert_int_equal(slot_new(&r->slot, r->id, RIG_ROUTES), 0);
    rig_add_era(r, 0, 0, name);
    rig_open(r);
    rig_publish(r);
    open_route(r, &CURSOR_INIT);
}

void source_rig_deinit(struct source_rig *r)
{
    close_route(r);
    r->slot = slot_unref(r->slot);
    r->chain = chain_free(r->chain);
    for (size_t i = 0; i < r->era_count; i++)
        container_unref(r->eras[i].container);
    batch_deinit(&r->batch);
    batch_deinit(&r->scratch);
    r->reader = reader_free(r->reader);
    r->home = home_unref(r->home);
    r->pins = pin_close(r->pins);
    buf_deinit(&r->came);
    buf_deinit(&r->containers_came);
    nftw(r->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void rig_open(struct source_rig *r)
{
    struct chain_options options = {
        .id = r->id,
        .known = r->restarted,
        .directory = r->directory,
        .live_name = r->live_name,
        .format = r->format,
        .rotation_bytes = r->rotation_bytes,
        .tools = &r->tools_of_chains,
    };
    r->tools_of_chains = (struct chain_tools){r->pins, r->reader, &r->scratch};
    struct error error = {""};
    if (chain_new(&r->chain, &options, r->known, r->known_count, &error) < 0)
        fail_msg("%s", error.text);
}

static int put_known(void *context, const struct chain_known *element)
{
    struct source_rig *r = context;
    size_t i = r->known_count;
    while (i > 0 && r->known[i - 1].ref.serial >= element->ref.serial)
        i--;
    bool there = i < r->known_count && r->known[i].ref.serial == element->ref.serial;
    assert_true(there || r->known_count < RIG_KNOWN_MAX);
    if (!there) {
        memmove(&r->known[i + 1], &r->known[i], (r->known_count - i) * sizeof(r->known[0]));
        r->known_count++;
    }
    r->known[i] = *element;
    return 0;
}

static int drop_known(void *context, uint64_t serial)
{
    struct source_rig *r = context;
    for (size_t i = 0; i < r->known_count; i++) {
        if (r->known[i].ref.serial != serial)
            continue;
        memmove(&r->known[i], &r->known[i + 1], (r->known_count - i - 1) * sizeof(r->known[0]));
        r->known_count--;
        return 0;
    }
    return 0;
}

void rig_publish(struct source_rig *r)
{
    assert_int_equal(chain_each_dirty(r->chain, put_known, drop_known, r), 0);
    chain_mark_clean(r->chain);
    size_t count = chain_count(r->chain);
    struct segment *segments[SEGMENTS_MAX];
    struct view *view;
    assert_true(count <= SEGMENTS_MAX);
    chain_segments(r->chain, segments);
    assert_int_equal(view_new(&view, ++r->version, chain_is_gone(r->chain), segments, count,
                              r->eras, r->era_count),
                     0);
    slot_publish(r->slot, view);
}

bool rig_sync(struct source_rig *r, int created)
{
    struct error error = {""};
    bool changed, any = false;
    int code = -ESTALE;
    for (int i = 0; code == -ESTALE && i < LOOKS_MAX; i++) {
        code = chain_sync(r->chain, created, &changed, &error);
        any |= changed;
        created = 0; /* a look that fails keeps it */
    }
    if (code < 0)
        fail_msg("%s", error.text);
    rig_publish(r);
    return any;
}

void rig_handle_saw(struct source_rig *r)
{
    struct slot_route *word = &r->slot->routes[0];
    unsigned saw = atomic_exchange(&word->saw, 0);
    if (saw & SLOT_SAW_TRUNCATED)
        chain_cut(r->chain, atomic_load(&word->saw_serial));
    if (saw & SLOT_SAW_HEAD)
        chain_learn(r->chain);
    rig_publish(r);
}

static int unlink_pin(void *context, const char *id, uint64_t serial, const char *path)
{
    return unlink(path);
}

void rig_lose_pins(struct source_rig *r)
{
    assert_int_equal(pin_each(r->pins, unlink_pin, NULL), 0);
}

void rig_restart(struct source_rig *r)
{
    struct cursor cursor = r->follow.cursor;
    close_route(r);
    r->slot = slot_unref(r->slot);
    r->chain = chain_free(r->chain);
    assert_int_equal(slot_new(&r->slot, r->id, RIG_ROUTES), 0);
    r->restarted = true;
    rig_open(r);
    rig_sync(r, CHAIN_CREATED_UNKNOWN);
    open_route(r, &cursor);
}

void rig_crash(struct source_rig *r, const struct cursor *cursor)
{
    struct cursor copy = *cursor;
    bool once = r->tools.once;
    close_route(r);
    open_route(r, &copy);
    r->tools.once = once;
}

void assert_chain(struct source_rig *r, const char *expected)
{
    struct buf text = BUF_INIT(64 * 1024);
    for (size_t i = 0; i < r->slot->view->segment_count; i++) {
        const struct segment *s = r->slot->view->segments[i];
        buf_append_format(&text, "%s%" PRIu64, i ? " " : "", s->serial);
        if (s->hole) {
            buf_append_format(&text, "h:%s", gap_reason_word(s->reason));
            continue;
        }
        buf_append(&text, span_of(atomic_load(&s->sealed) ? "s" : ""));
        buf_append(&text, span_of(s->gzip ? "z" : ""));
        buf_append(&text, span_of(atomic_load(&s->cut) ? "c" : ""));
    }
    assert_string_equal(buf_string(&text), expected);
    buf_deinit(&text);
}

static void keep_entry(struct source_rig *r, const struct entry *e)
{
    static const struct {
        unsigned flag;
        char letter;
    } letters[] = {
        {ENTRY_PARTIAL, 'p'},      {ENTRY_CONTINUED, 'c'},      {ENTRY_UNTERMINATED, 'u'},
        {ENTRY_TIME_MISSING, 't'}, {ENTRY_STREAM_MISSING, 's'},
    };
    buf_append_char(&r->came, e->stream == STREAM_STDERR ? 'e' : 'o');
    for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
        if (e->flags & letters[i].flag)
            buf_append_char(&r->came, letters[i].letter);
    buf_append_char(&r->came, ':');
    buf_append(&r->came, e->message);
    buf_append_char(&r->came, '\n');
    buf_append_format(&r->containers_came, "%s\n", r->batch.container->name);
}

void rig_print_gap(struct buf *to, const struct gap *g)
{
    buf_append_format(to, "gap %s ", gap_reason_word(g->reason));
    if (g->bytes == GAP_BYTES_UNKNOWN)
        buf_append_char(to, '?');
    else
        buf_append_format(to, "%" PRId64, g->bytes);
    buf_append_format(to, "@%" PRIu64 ":%" PRIu64 "\n", g->serial, g->offset);
}

int rig_pull(struct source_rig *r)
{
    CLEANUP(view_unref) struct view *view = slot_view(r->slot);
    r->batch.ingest_ns = RIG_EPOCH + 86400 * NS_PER_SECOND;
    int outcome = follow_pull(&r->follow, &r->tools, view, &r->batch);
    r->pulls++;
    if (outcome != FOLLOW_PROGRESS)
        return outcome;
    for (size_t i = 0; i < r->batch.gap_count; i++)
        rig_print_gap(&r->came, &r->batch.gaps[i]);
    for (size_t i = 0; i < r->batch.count; i++)
        keep_entry(r, &r->batch.entries[i]);
    return outcome;
}

int rig_pull_all(struct source_rig *r)
{
    for (size_t i = 0; i < PULLS_MAX; i++) {
        int outcome = rig_pull(r);
        if (outcome != FOLLOW_PROGRESS && outcome != FOLLOW_AGAIN)
            return outcome;
    }
    fail_msg("the follow goes in circles");
    return -ELOOP;
}

void rig_limit(struct source_rig *r, struct rig_place place)
{
    r->slot->once_serial = place.serial;
    r->slot->once_offset = place.offset;
    r->tools.once = true;
}

void rig_pull_up_to(struct source_rig *r, struct rig_place place)
{
    rig_limit(r, place);
    while (!follow_once_done(&r->follow)) {
        int outcome = rig_pull(r);
        if (outcome == FOLLOW_IDLE)
            break; /* the place lies in what it does not want */
        assert_true(outcome == FOLLOW_PROGRESS || outcome == FOLLOW_AGAIN);
    }
    r->tools.once = false;
}

static size_t find_in_segment(struct source_rig *r, struct segment *s,
                              struct rig_place places[RIG_PLACES_MAX], size_t count)
{
    struct reader_result result;
    for (uint64_t offset = 0;; offset += result.records.size) {
        if (reader_read(r->reader, s, offset, &(struct reader_before){0}, &result) != 0)
            return count;
        for (size_t at = 0; at < result.records.size;) {
            at += records_first(s->format,
                                (struct span){result.records.data + at, result.records.size - at});
            assert_true(count < RIG_PLACES_MAX);
            places[count++] = (struct rig_place){s->serial, offset + at};
        }
    }
}

size_t rig_find_places(struct source_rig *r, struct rig_place places[RIG_PLACES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < r->slot->view->segment_count; i++)
        count = find_in_segment(r, r->slot->view->segments[i], places, count);
    return count;
}

void rig_assert_crash_proof(struct source_rig *r)
{
    struct rig_place places[RIG_PLACES_MAX];
    struct buf expected = BUF_INIT(RIG_TEXT_MAX);
    size_t count = rig_find_places(r, places);

    rig_crash(r, &CURSOR_INIT);
    buf_clear(&r->came);
    rig_pull_all(r);
    buf_append(&expected, buf_span(&r->came));
    for (size_t i = 0; i <= count; i++) { /* the last round: behind every record */
        buf_clear(&r->came);
        rig_crash(r, &CURSOR_INIT);
        for (size_t k = 0; k < count; k++) {
            if (i != k && i != count)
                continue;
            rig_pull_up_to(r, places[k]);
            rig_crash(r, &r->follow.cursor);
        }
        rig_pull_all(r);
        assert_text_equal(buf_span(&r->came), buf_span(&expected));
    }
    buf_deinit(&expected);
}

void assert_text_equal(struct span is, struct span expected)
{
    if (is.size == expected.size && memcmp(is.data, expected.data, is.size) == 0)
        return;
    size_t at = 0;
    while (at < is.size && at < expected.size && is.data[at] == expected.data[at])
        at++;
    size_t from = at < 60 ? 0 : at - 60;
    fail_msg("differs at byte %zu (%zu, expected %zu bytes): is\n…%.*s\nexpected\n…%.*s", at,
             is.size, expected.size, (int)(is.size - from < 200 ? is.size - from : 200),
             is.data + from, (int)(expected.size - from < 200 ? expected.size - from : 200),
             expected.data + from);
}

void assert_came(struct source_rig *r, const char *expected)
{
    struct span empty = {"", 0};
    assert_text_equal(r->came.size ? buf_span(&r->came) : empty, span_of(expected));
    buf_clear(&r->came);
}

void assert_came_nothing(struct source_rig *r)
{
    assert_came(r, "");
}

void rig_write_generations(struct source_rig *r, int count)
{
    for (int i = 1; i <= count; i++) {
        char log[16];
        snprintf(log, sizeof(log), "%d\\n", i);
        if (i > 1)
            rig_rotate(r, 9);
        rig_log(r, i, log);
        rig_sync(r, 1);
    }
}

void rig_write_around_hole(struct source_rig *r)
{
    rig_write_generations(r, 1);
    rig_rotate(r, 1);
    rig_rotate(r, 1);
    rig_log(r, 3, "3\\n");
    rig_sync(r, 2);
    assert_chain(r, "1s 2h:rotated 3");
}
