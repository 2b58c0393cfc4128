// SPDX-License-Identifier: Apache-2.0
/* A frame of the local driver, field by field: S19 S23 S24 S25 S27 D27. */
#include "local_fixture.h"

#include "base/json_text.h"

#define TIME_FIELD    "\x10\x84\xb5\xc1\xa6\xdb\x87\xae\xf5\x18" /* of a genuine record */
#define TIME_FIELD_NS INT64_C(1795449976626633348)
#define HEAD          FRAME_STDOUT TIME_FIELD

static void decode_payload(struct local_fixture *f, struct span payload)
{
    buf_clear(&f->file);
    put_payload(f, payload);
    decode_file(f);
}
#define DECODE(f, literal) decode_payload((f), SPAN(literal))

static const struct entry *only_entry(const struct local_fixture *f)
{
    assert_int_equal(f->batch.count, 1);
    assert_int_equal(f->batch.gap_count, 0);
    return &f->batch.entries[0];
}

static void s19_s24_a_record_of_docker_s(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    DECODE(&f, HEAD "\x1a\x05hello");
    const struct entry *e = only_entry(&f);
    assert_message(&f, 0, "hello");
    assert_int_equal(e->time_ns, TIME_FIELD_NS);
    assert_int_equal(e->stream, STREAM_STDOUT);
    assert_int_equal(e->flags, 0);
    assert_int_equal(e->serial, 7);
    assert_int_equal(e->offset, 0);
    assert_int_equal(e->attrs.size, 0);
    assert_int_equal(e->source_bytes, 0);
    assert_int_equal(f.result.last_ns, TIME_FIELD_NS);
    assert_int_equal(f.result.consumed, f.file.size);
    assert_span(f.result.last_record, buf_span(&f.file));

    DECODE(&f, FRAME_STDERR TIME_FIELD "\x1a\x05hello");
    assert_int_equal(only_entry(&f)->stream, STREAM_STDERR);
    local_fixture_deinit(&f);
}

static void s25_an_empty_line_is_a_line(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_JSON);
    DECODE(&f, HEAD);
    assert_int_equal(only_entry(&f)->message.size, 0);
    assert_int_equal(f.batch.entries[0].flags, 0);
    local_fixture_deinit(&f);
}

static void s23_no_time_is_the_time_of_reading(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    DECODE(&f, FRAME_STDOUT "\x10\x00\x1a\x06hello!");
    assert_int_equal(only_entry(&f)->time_ns, INGEST_NS);
    assert_int_equal(f.batch.entries[0].flags, ENTRY_TIME_MISSING);
    assert_int_equal(f.result.last_ns, GAP_TIME_UNKNOWN);
    local_fixture_deinit(&f);
}

static void times_of_every_length(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    for (int bit = 0; bit < 64; bit++) {
        int64_t time = (int64_t)(UINT64_C(1) << bit | 1);
        buf_clear(&f.file);
        assert_int_equal(local_frame_write(&f.file, STREAM_STDOUT, time, SPAN("x"), NULL), 0);
        decode_file(&f);
        assert_int_equal(only_entry(&f)->time_ns, time);
    }
    DECODE(&f, FRAME_STDOUT "\x10\x85\x01\x1a\x07minimal"); /* not padded */
    assert_int_equal(only_entry(&f)->time_ns, 133);
    local_fixture_deinit(&f);
}

/* D31: what the join needs to know. */
static void d31_chunks_are_numbered_and_their_bytes_left(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_JSON);
    put_chunk(&f, 1, "a\"\xe2", 1, false);
    put_chunk(&f, 1, "\x82\xac", 2, true);
    decode_file(&f);
    assert_int_equal(f.batch.count, 2);
    assert_int_equal(f.batch.entries[0].flags, ENTRY_CHUNK | ENTRY_UNTERMINATED);
    assert_int_equal(f.batch.entries[0].chunk, 1);
    assert_int_equal(f.batch.entries[0].source_bytes, 3);
    assert_message(&f, 0, "a\"\xe2");
    assert_int_equal(f.batch.entries[1].flags, ENTRY_CHUNK);
    assert_int_equal(f.batch.entries[1].chunk, 2);
    assert_int_equal(f.batch.entries[1].source_bytes, 0);
    local_fixture_deinit(&f);
}

static void chunk_numbers_go_in_circles_but_for_the_first(void **state)
{
    uint8_t number = chunk_number(1);
    assert_int_equal(number, 1);
    for (uint64_t ordinal = 2; ordinal < 3000; ordinal++) {
        number = chunk_number_after(number);
        assert_int_equal(chunk_number(ordinal), number);
        assert_in_range(number, 2, 255);
    }
    assert_int_equal(chunk_number_after(chunk_number(0)), 0);
}

static void s27_d27_json_form(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_JSON);
    DECODE(&f, HEAD "\x1a\x14plain, eight or more");
    assert_message(&f, 0, "plain, eight or more");
    assert_ptr_equal(f.batch.entries[0].message.data, f.copy + 4 + 18 + 2); /* not copied */
    DECODE(&f, HEAD "\x1a\x0fplain \xe2\x82\xac \xf0\x9f\x98\x80.");
    assert_message(&f, 0, "plain \xe2\x82\xac \xf0\x9f\x98\x80.");
    DECODE(&f, HEAD "\x1a\x0e\"\\/\b\f\n\r\t\x01\x1b\x7f\xff\xc3\xa9");
    assert_message(&f, 0, "\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001b\x7f\xef\xbf\xbd\xc3\xa9");
    DECODE(&f, HEAD "\x1a\x03\0\xe2\x82");
    assert_message(&f, 0, "\\u0000\xef\xbf\xbd\xef\xbf\xbd");
    local_fixture_deinit(&f);

    local_fixture_init(&f, FORM_BYTES);
    DECODE(&f, HEAD "\x1a\x04\"\xff\x00\n");
    assert_span(only_entry(&f)->message, SPAN("\"\xff\x00\n"));
    local_fixture_deinit(&f);
}

/* Each byte at each place of a word: in JSON it is itself again, or U+FFFD. */
static void s27_d27_every_byte_everywhere(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_JSON);
    for (int c = 0; c < 256; c++) {
        for (size_t place = 0; place < 20; place++) {
            char line[20], back[200];
            memset(line, 'x', sizeof(line));
            line[place] = (char)c;
            buf_clear(&f.file);
            assert_int_equal(local_frame_write(&f.file, STREAM_STDOUT, TIME_NS,
                                               (struct span){line, sizeof(line)}, NULL),
                             0);
            decode_file(&f);
            struct span is = only_entry(&f)->message;
            for (size_t i = 0; i < is.size; i++)
                assert_true((unsigned char)is.data[i] >= 0x20);
            size_t size = json_text_unescape(back, is);
            if (c < 0x80) {
                assert_span((struct span){back, size}, (struct span){line, sizeof(line)});
                continue;
            }
            assert_int_equal(size, sizeof(line) + 2);
            assert_memory_equal(back + place, "\xef\xbf\xbd", 3);
        }
    }
    local_fixture_deinit(&f);
}

static void s19_attributes_are_an_object(void **state)
{
    for (int form = FORM_BYTES; form <= FORM_JSON; form++) {
        struct local_fixture f;
        local_fixture_init(&f, (enum message_form)form);
        DECODE(&f, HEAD "\x1a\x01x"
                        "\x32\x06\x0a\x01k\x12\x01v"
                        "\x32\x08\x12\x02\"\xff\x0a\x02\tq"
                        "\x32\x00");
        assert_message(&f, 0, "x");
        assert_span(only_entry(&f)->attrs,
                    SPAN("{\"k\":\"v\",\"\\tq\":\"\\\"\xef\xbf\xbd\",\"\":\"\"}"));
        local_fixture_deinit(&f);
    }
}

/* S19: unknown fields of every wire type are passed over; the order behind the time is free. */
static void s19_unknown_fields_are_ignored(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    DECODE(&f, HEAD "\x1a\x01x"
                    "\x38\x96\x01"                         /* 7, a number */
                    "\x41\x01\x02\x03\x04\x05\x06\x07\x08" /* 8, fixed */
                    "\x4a\x03\x61\x62\x63"                 /* 9, bytes */
                    "\x55\x01\x02\x03\x04");               /* 10, fixed */
    assert_message(&f, 0, "x");
    DECODE(&f, HEAD "\x38\x01\x20\x01\x2a\x06\x40\x01\x18\x03\x08\x01\x1a\x01y");
    assert_message(&f, 0, "y");
    assert_int_equal(only_entry(&f)->chunk, 3);
    DECODE(&f, HEAD "\x18\x05\x1a\x01z"); /* a line that is a number is none */
    assert_message(&f, 0, "z");
    local_fixture_deinit(&f);
}

/* D22: booked, to the byte. */
static void d22_what_is_no_message_is_malformed(void **state)
{
    static const struct span payloads[] = {
        SPAN(HEAD "\x1a\x05hell"),                                      /* too short */
        SPAN(HEAD "\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7fhello"), /* over 64 bits */
        SPAN(HEAD "\x1b\x01"),                                          /* a group */
        SPAN(HEAD "\x02\x01x"),                                         /* field 0 */
        SPAN(HEAD "\x45\x01\x02"),                                      /* fixed, too short */
        SPAN(HEAD "\x80"),                                              /* half a tag */
        SPAN(HEAD "\x2a\x02\x08\x80"),                                  /* chunk: half a number */
        SPAN(HEAD "\x32\x02\x0a\x05"),                                  /* attribute: too short */
        SPAN(FRAME_STDOUT "\x10\x84\xb5\xc1\xa6\xdb\x87\xae\xf5\xff"),  /* half a time */
    };
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        buf_clear(&f.file);
        put_line(&f, 1, "before");
        uint64_t start = f.file.size;
        put_payload(&f, payloads[i]);
        uint64_t size = f.file.size - start;
        put_line(&f, 2, "behind");
        decode_file(&f);
        assert_message(&f, 0, "before");
        assert_message(&f, 1, "behind");
        assert_int_equal(f.batch.gap_count, 1);
        assert_gap(&f.batch.gaps[0], GAP_MALFORMED, start, (int64_t)size);
        assert_int_equal(f.batch.gaps[0].after_ns, TIME_NS + 1);
        assert_int_equal(f.batch.gaps[0].before_ns, TIME_NS + 2);
    }
    local_fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s19_s24_a_record_of_docker_s),
        cmocka_unit_test(s25_an_empty_line_is_a_line),
        cmocka_unit_test(s23_no_time_is_the_time_of_reading),
        cmocka_unit_test(times_of_every_length),
        cmocka_unit_test(d31_chunks_are_numbered_and_their_bytes_left),
        cmocka_unit_test(chunk_numbers_go_in_circles_but_for_the_first),
        cmocka_unit_test(s27_d27_json_form),
        cmocka_unit_test(s27_d27_every_byte_everywhere),
        cmocka_unit_test(s19_attributes_are_an_object),
        cmocka_unit_test(s19_unknown_fields_are_ignored),
        cmocka_unit_test(d22_what_is_no_message_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
