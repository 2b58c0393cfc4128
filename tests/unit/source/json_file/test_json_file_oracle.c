// SPDX-License-Identifier: Apache-2.0
/* The vector code gives what the tokenizer gives, on good lines and on bad, wherever in a block a
 * byte falls, up to the last readable byte: S22 S27 D27 D32. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 4096, MUTATED_ROUNDS = 15000 };

/* Leaves every line to the tokenizer. */
static void no_fast_lines(struct json_file_decoding *decoding)
{
    (void)decoding;
}

struct oracle {
    struct fixture expected;
    struct fixture tested[JSON_FILE_ISA_COUNT];
    size_t tested_count;
};

static void oracle_init(struct oracle *o, enum message_form form)
{
    *o = (struct oracle){0};
    fixture_init(&o->expected, form);
    o->expected.decoder.fast_lines = no_fast_lines;
    for (int isa = 0; isa < JSON_FILE_ISA_COUNT; isa++) {
        struct fixture *f = &o->tested[o->tested_count];
        fixture_init(f, form);
        if (json_file_use(&f->decoder, (enum json_file_isa)isa) == 0)
            o->tested_count++;
        else
            fixture_deinit(f);
    }
}

static void oracle_deinit(struct oracle *o)
{
    fixture_deinit(&o->expected);
    for (size_t i = 0; i < o->tested_count; i++)
        fixture_deinit(&o->tested[i]);
}

static void compare_entries(const struct entry *is, const struct entry *expected)
{
    assert_int_equal(is->time_ns, expected->time_ns);
    assert_int_equal(is->serial, expected->serial);
    assert_int_equal(is->offset, expected->offset);
    assert_int_equal(is->source_bytes, expected->source_bytes);
    assert_int_equal(is->flags, expected->flags);
    assert_int_equal(is->stream, expected->stream);
    assert_span(is->message, expected->message);
    assert_span(is->attrs, expected->attrs);
}

static void compare_gaps(const struct gap *is, const struct gap *expected)
{
    assert_gap(is, expected->reason, expected->offset, expected->bytes);
    assert_int_equal(is->after_ns, expected->after_ns);
    assert_int_equal(is->before_ns, expected->before_ns);
}

static void compare(const struct fixture *is, const struct fixture *expected)
{
    assert_int_equal(is->result.consumed, expected->result.consumed);
    assert_int_equal(is->result.last_ns, expected->result.last_ns);
    assert_span(is->result.last_record, expected->result.last_record);
    assert_int_equal(is->batch.blank_lines, expected->batch.blank_lines);
    assert_int_equal(is->batch.bytes_blank, expected->batch.bytes_blank);
    assert_int_equal(is->batch.gap_count, expected->batch.gap_count);
    for (size_t i = 0; i < is->batch.gap_count; i++)
        compare_gaps(&is->batch.gaps[i], &expected->batch.gaps[i]);
    assert_int_equal(is->batch.count, expected->batch.count);
    for (size_t i = 0; i < is->batch.count; i++)
        compare_entries(&is->batch.entries[i], &expected->batch.entries[i]);
}

static void oracle_ask(struct oracle *o, struct span input)
{
    fixture_decode(&o->expected, input);
    for (size_t i = 0; i < o->tested_count; i++) {
        fixture_decode(&o->tested[i], input);
        compare(&o->tested[i], &o->expected);
    }
}

static void with_oracles(void (*ask)(struct oracle *o))
{
    for (int form = FORM_BYTES; form <= FORM_JSON; form++) {
        struct oracle o;
        oracle_init(&o, (enum message_form)form);
        assert_true(o.tested_count > 0);
        ask(&o);
        oracle_deinit(&o);
    }
}

static size_t put(char *to, size_t at, const char *text)
{
    memcpy(to + at, text, strlen(text));
    return at + strlen(text);
}

/* A record whose text is `padding` dots, `run` backslashes and `tail`. */
static size_t make_record(char *to, size_t padding, size_t run, const char *tail)
{
    size_t size = put(to, 0, "{\"log\":\"");
    memset(to + size, '.', padding);
    size += padding;
    memset(to + size, '\\', run);
    size += run;
    size = put(to, size, tail);
    return put(to, size, "\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:42.234939836Z\"}\n");
}

static void ask_backslash_runs(struct oracle *o)
{
    static const char *const tails[] = {"",       "n",     "\\n",   "\"",
                                        "\"n",    "u0041", "u000a", "ud83d\\ude00",
                                        "x",      "n\\n",  "u12",   "\xe2\x82\xac\\n",
                                        "/t\\\\n"};
    char line[INPUT_MAX];
    for (size_t padding = 0; padding <= 130; padding++)
        for (size_t run = 0; run <= 5; run++)
            for (size_t tail = 0; tail < ARRAY_SIZE(tails); tail++)
                oracle_ask(o, (struct span){line, make_record(line, padding, run, tails[tail])});
    for (size_t padding = 0; padding <= 66; padding++)
        for (size_t run = 60; run <= 195; run += 1 + padding % 3)
            oracle_ask(o, (struct span){line, make_record(line, padding, run, "n")});
}

static void s27_backslash_runs_across_blocks(void **state)
{
    with_oracles(ask_backslash_runs);
}

/* Each byte value at each place of a block. */
static void ask_each_byte(struct oracle *o)
{
    char line[INPUT_MAX];
    for (size_t padding = 0; padding <= 66; padding++) {
        for (int byte = 0; byte < 256; byte++) {
            size_t size = make_record(line, padding, 0, "?.\\n");
            line[8 + padding] = (char)byte;
            oracle_ask(o, (struct span){line, size});
        }
    }
}

static void d27_each_byte_at_each_place(void **state)
{
    with_oracles(ask_each_byte);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static const char *const seeds[] = {
    "{\"log\":\"a plain line of a server that says what it did\\n\",\"stream\":\"stdout\","
    "\"time\":\"2026-11-23T16:01:42.234939836Z\"}\n",
    "{\"log\":\"{\\\"k\\\":\\\"v\\\",\\\"n\\\":[1,2],\\\"s\\\":\\\"a\\\\\\\\b\\\\n\\\"}\\n\","
    "\"stream\":\"stderr\","
    "\"time\":\"2026-11-23T16:01:42.23Z\"}\n",
    "{\"log\":\"\\u001b[31mred\\u001b[0m\\r\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:"
    "43Z\"}\n",
    "{\"log\":\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \\ud83d\\ude00\\ufffd\",\"stream\":\"stdout\","
    "\"time\":\"2026-11-23T16:01:43.999999999Z\"}\n",
    "{\"log\":\"m\\n\",\"stream\":\"stdout\",\"attrs\":{\"log\":\"x\",\"time\":\"y\"},"
    "\"time\":\"2026-11-23T16:01:44.5+02:00\"}\n",
    "{\"log\":\"torn{\"log\":\"whole\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:45Z\"}"
    "\n",
    "\n",
};

/* Some lines, with some bytes changed, cut out or put in. Ends with a newline. */
static size_t make_mutant(char *to, uint64_t *random)
{
    static const char specials[] = "\\\"\n\r\0u{}:,n/ \x1f\x7f\x80\xc3\xed\xff"
                                   "0aZ.";
    size_t size = 0;
    for (uint64_t lines = 1 + next_random(random) % 5; lines; lines--)
        size = put(to, size, seeds[next_random(random) % ARRAY_SIZE(seeds)]);
    for (uint64_t changes = next_random(random) % 4; changes; changes--) {
        size_t at = next_random(random) % size;
        size_t run = next_random(random) % 90 + 1;
        switch (next_random(random) % 4) {
        case 0: to[at] = specials[next_random(random) % (sizeof(specials) - 1)]; break;
        case 1: to[at] = (char)next_random(random); break;
        case 2: /* cut out */
            if (run < size - at) {
                memmove(to + at, to + at + run, size - at - run);
                size -= run;
            }
            break;
        case 3: /* put in: moves what follows to other places of its blocks */
            memmove(to + at + run, to + at, size - at);
            memset(to + at, ".\\\0"[next_random(random) % 3], run);
            size += run;
            break;
        }
    }
    to[size - 1] = '\n';
    return size;
}

static void ask_mutants(struct oracle *o)
{
    uint64_t random = 20261123;
    char input[INPUT_MAX];
    for (int i = 0; i < MUTATED_ROUNDS; i++)
        oracle_ask(o, (struct span){input, make_mutant(input, &random)});
}

static void d22_d32_mutated_lines(void **state)
{
    with_oracles(ask_mutants);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s27_backslash_runs_across_blocks),
        cmocka_unit_test(d27_each_byte_at_each_place),
        cmocka_unit_test(d22_d32_mutated_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
