// SPDX-License-Identifier: Apache-2.0
/* What a real Docker wrote decodes to what is written beside it: S19 S25 S27 D27 D32. */
#include "fixture.h"

#include "base/json_text.h"
#include "base/rfc3339.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FILE_BYTES_MAX = 1024 * 1024, SEGMENTS = 10 /* rotation numbers 0 to 9 */ };

struct sample {
    const char *directory;
    struct gap gap; /* the only one: reason, offset, bytes; none where bytes is 0 */
};

static const struct sample samples[] = {
    {"jsonfile-attrs", {0}},
    {"jsonfile-escapes", {0}},
    {"jsonfile-gz-zero-lasttime", {0}},
    {"jsonfile-interleaved", {0}},
    {"jsonfile-maxfile1", {0}},
    {"jsonfile-partial", {0}},
    {"jsonfile-restart-16k", {0}},
    {"jsonfile-restart-no-newline", {0}},
    {"jsonfile-rotated-gz", {0}},
    {"jsonfile-rotated-partial", {0}},
    {"jsonfile-rotated-plain", {0}},
    {"jsonfile-tty", {0}},
    {"corrupt-enospc-torn", {.reason = GAP_TORN, .offset = 3637, .bytes = 42}},
    {"corrupt-truncated-sparse", {.reason = GAP_NUL, .offset = 0, .bytes = 1988}},
    {"corrupt-crash-nul-json", {.reason = GAP_NUL, .offset = 2479, .bytes = 954}},
};

/* The rotation number that `name` ends with, 0 of the live file, -1 where it is no log. */
static int rotation(const char *name)
{
    const char *suffix = strstr(name, "-json.log");
    if (!suffix)
        return -1;
    suffix += strlen("-json.log");
    return *suffix == '.' ? suffix[1] - '0' : 0;
}

/* Reads a file, inflated where it is compressed. The caller frees it. */
static struct span read_whole(const char *directory, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), TEST_DATA "/docker/%s/%s", directory, name);
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    char *data = malloc(FILE_BYTES_MAX);
    assert_non_null(data);
    int size = gzread(file, data, FILE_BYTES_MAX);
    assert_in_range(size, 0, FILE_BYTES_MAX - 1);
    gzclose(file);
    return (struct span){data, (size_t)size};
}

static void append_entry(struct buf *to, const struct entry *entry, enum message_form form)
{
    char time[RFC3339_SIZE];
    rfc3339_format(time, entry->time_ns);
    buf_append_format(to, "{\"time\":\"%.*s\",\"stream\":\"%s\",\"log\":\"", RFC3339_SIZE, time,
                      stream_word(entry->stream));
    if (form == FORM_JSON) {
        char *text = malloc(entry->message.size + BUF_SLACK);
        assert_non_null(text);
        json_text_escape(to, (struct span){text, json_text_unescape(text, entry->message)});
        free(text);
    } else {
        json_text_escape(to, entry->message);
    }
    buf_append_format(to, "\",\"partial\":%s}\n",
                      entry->flags & ENTRY_UNTERMINATED ? "true" : "false");
}

/* Decodes one file. *found is set where there is a gap, of which a sample has one at most. */
static void decode_file(struct fixture *f, struct span content, struct buf *to, struct gap *found)
{
    fixture_decode(f, content);
    assert_int_equal(f->result.consumed, content.size);
    for (size_t i = 0; i < f->batch.count; i++) {
        const struct entry *entry = &f->batch.entries[i];
        assert_int_equal(entry->flags & ~ENTRY_UNTERMINATED, 0);
        assert_int_equal(f->input.data[entry->offset], '{');
        append_entry(to, entry, f->decoder.form);
    }
    for (size_t i = 0; i < f->batch.gap_count; i++) {
        assert_int_not_equal(f->batch.gaps[i].before_ns, GAP_TIME_UNKNOWN);
        assert_int_equal(found->bytes, 0);
        *found = f->batch.gaps[i];
    }
}

static void check_sample(struct fixture *f, const struct sample *sample)
{
    char names[SEGMENTS][256] = {{0}};
    char path[1024];
    snprintf(path, sizeof(path), TEST_DATA "/docker/%s", sample->directory);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *e; (e = readdir(directory));) {
        int number = rotation(e->d_name);
        if (number >= 0)
            snprintf(names[number], sizeof(names[0]), "%s", e->d_name);
    }
    closedir(directory);

    struct buf is = BUF_INIT(FILE_BYTES_MAX);
    struct gap found = {0};
    for (int number = SEGMENTS - 1; number >= 0; number--) {
        if (!*names[number])
            continue;
        struct span content = read_whole(sample->directory, names[number]);
        decode_file(f, content, &is, &found);
        free((char *)content.data);
    }
    struct span expected = read_whole(sample->directory, "expected.ndjson");
    assert_true(expected.size > 0);
    assert_int_equal(is.failed, 0);
    assert_span(buf_span(&is), expected);
    free((char *)expected.data);
    buf_deinit(&is);

    if (sample->gap.bytes == 0)
        assert_int_equal(found.bytes, 0);
    else
        assert_gap(&found, sample->gap.reason, sample->gap.offset, sample->gap.bytes);
}

static void all_samples(struct fixture *f)
{
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
        check_sample(f, &samples[i]);
}

static void s19_s27_d32_samples_decode_to_their_expected_records(void **state)
{
    for_each_isa(all_samples);
}

/* S30: all that Docker writes undamaged is valid. */
static void s30_docker_s_own_lines_are_valid(void **state)
{
    struct span content =
        read_whole("jsonfile-escapes",
                   "2346b55d788af902a0eddb1937c770845d16ffee3c158bfdaddf79859d0d0bfc-json.log");
    for (size_t at = 0; at < content.size;) {
        const char *line = content.data + at;
        const char *newline = memchr(line, '\n', content.size - at);
        assert_non_null(newline);
        assert_true(json_file_valid((struct span){line, (size_t)(newline - line) + 1}));
        at = (size_t)(newline - content.data) + 1;
    }
    free((char *)content.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s19_s27_d32_samples_decode_to_their_expected_records),
        cmocka_unit_test(s30_docker_s_own_lines_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
