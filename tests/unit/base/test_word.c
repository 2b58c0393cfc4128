// SPDX-License-Identifier: Apache-2.0
/* What many records have alike is kept once (the resource equation: at most 1 KiB a source). */
#include "base/word.h"

#include "base/cleanup.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void alike_texts_are_one_word(void **state)
{
    char text[] = "nginx:1.25";
    const char *a = word_take(text), *b = word_take("nginx:1.25"), *other = word_take("nginx");

    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, text);
    assert_string_equal(a, "nginx:1.25");
    assert_string_equal(other, "nginx");
    assert_int_equal(word_count(), 2);
    assert_null(word_drop(a));
    assert_string_equal(b, "nginx:1.25"); /* somebody has it still */
    word_drop(other);
    assert_int_equal(word_count(), 1);
    word_drop(b);
    assert_int_equal(word_count(), 0);
    assert_null(word_drop(NULL));
}

static void many_are_found_however_they_go(void **state)
{
    enum { MANY = 3000 };
    static const char *words[MANY];
    char text[16];

    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "%d", i);
        words[i] = word_take(text);
    }
    for (int i = 0; i < MANY; i += 2)
        words[i] = word_drop(words[i]);
    assert_int_equal(word_count(), MANY / 2);
    for (int i = 1; i < MANY; i += 2) {
        snprintf(text, sizeof(text), "%d", i);
        assert_ptr_equal(word_take(text), words[i]);
        word_drop(words[i]);
        word_drop(words[i]);
    }
    assert_int_equal(word_count(), 0);
}

static void *take_and_drop(void *context)
{
    static const char *const texts[] = {"running", "linux", "sleep", "bridge", "json-file"};
    for (int i = 0; i < 5000; i++) {
        const char *text = texts[i % ARRAY_SIZE(texts)], *word = word_take(text);
        if (strcmp(word, text) != 0)
            return NULL;
        word_drop(word);
    }
    return context;
}

static void from_many_threads(void **state)
{
    pthread_t threads[4];
    void *whole;

    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, threads), 0);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        pthread_join(threads[i], &whole);
        assert_non_null(whole);
    }
    assert_int_equal(word_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_texts_are_one_word),
        cmocka_unit_test(many_are_found_however_they_go),
        cmocka_unit_test(from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
