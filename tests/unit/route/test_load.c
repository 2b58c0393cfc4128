// SPDX-License-Identifier: Apache-2.0
/* What goes aside of a request when a tenant or a stream is to blame: all of its sources, and
 * nothing of others (R1, R6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "route/route_private.h"

enum { LINES = 3 /* a part */, PARTS_MAX = 8 };

struct sink_target {
    int unused;
};

/* A request whose parts are to be of the source and the group that a letter names each. */
struct fixture {
    struct route route;
    struct load load;
    struct sink_target targets[PARTS_MAX];
    struct binding bindings[PARTS_MAX];
};

static void begin(struct fixture *f, const char *sources, const char *groups)
{
    static const char group_words[256];
    struct entry entries[LINES];
    *f = (struct fixture){0};
    load_init(&f->load, FORM_BYTES);
    for (size_t i = 0; sources[i]; i++) {
        for (size_t j = 0; j < LINES; j++)
            entries[j] =
                (struct entry){.message = span_of("line"), .time_ns = (int64_t)(LINES * i + j)};
        f->bindings[i] = (struct binding){.of_source = true, .target = &f->targets[i]};
        const struct batch batch = {.form = FORM_BYTES, .entries = entries, .count = LINES};
        const struct request_terms terms = {.group = &group_words[(unsigned char)groups[i]]};
        assert_int_equal(load_add(&f->load, &f->bindings[i], terms, (uint32_t)sources[i], &batch),
                         0);
    }
    assert_int_equal(load_cut(&f->load, 1024 * 1024, 1000), 0);
}

static void end(struct fixture *f)
{
    load_deinit(&f->load, &f->route);
    for (size_t i = 0; i < PARTS_MAX; i++)
        assert_int_equal(f->bindings[i].parts, 0);
}

/* The sources, part by part, of what stands in one share. */
static void assert_share(struct fixture *f, enum load_share share, const char *sources)
{
    struct load copy;
    load_init(&copy, FORM_BYTES);
    assert_int_equal(load_copy(&f->load, &copy, share), 0);
    assert_int_equal(copy.request.part_count, strlen(sources));
    for (size_t i = 0; sources[i]; i++) {
        assert_int_equal(copy.parts[i].key, sources[i]);
        assert_int_equal(copy.request.parts[i].count, LINES);
    }
    load_deinit(&copy, &f->route);
}

/* R6: its lines under the other tenant go along, since a source is in one draft; for the same
 * reason those of its neighbour under that tenant stay. */
static void r6_a_source_that_changes_its_tenant_goes_aside_whole(void **state)
{
    struct fixture f;
    begin(&f, "abac", "xyyx");
    assert_true(load_blame_group(&f.load)); /* the next piece is of x: a and c */
    assert_true(load_blames(&f.load, 'a'));
    assert_false(load_blames(&f.load, 'b'));
    assert_true(load_blames(&f.load, 'c'));
    assert_share(&f, LOAD_OF_BLAMED, "aca");
    assert_share(&f, LOAD_OF_OTHERS, "b");
    end(&f);
}

static void r6_a_target_that_is_blamed_takes_its_source_along(void **state)
{
    struct fixture f;
    begin(&f, "abab", "xxxx");
    assert_true(load_blame_target(&f.load, &f.targets[2]));
    assert_share(&f, LOAD_OF_BLAMED, "aa");
    assert_share(&f, LOAD_OF_OTHERS, "bb");
    end(&f);
}

/* Going aside is no way to search a refused range more often. */
static void the_rest_of_a_search_goes_along(void **state)
{
    struct fixture f;
    struct load copy;
    begin(&f, "ab", "xy");
    f.load.pieces.splits_left = 5;
    f.load.pieces.sparing = true;
    assert_true(load_blame_group(&f.load));
    load_init(&copy, FORM_BYTES);
    assert_int_equal(load_copy(&f.load, &copy, LOAD_OF_BLAMED), 0);
    assert_int_equal(copy.pieces.splits_left, 5);
    assert_true(copy.pieces.sparing);
    load_deinit(&copy, &f.route);
    end(&f);
}

/* The last blame alone holds. */
static void a_blame_replaces_another(void **state)
{
    struct fixture f;
    struct sink_target stranger;
    begin(&f, "ab", "xy");
    assert_false(load_blames(&f.load, 'a'));
    assert_true(load_blame_group(&f.load));
    assert_false(load_blame_target(&f.load, &f.targets[1])); /* of the next piece there is none */
    assert_false(load_blame_target(&f.load, &stranger));
    pieces_settle(&f.load.pieces);
    assert_true(load_blame_target(&f.load, &f.targets[1]));
    assert_false(load_blames(&f.load, 'a'));
    assert_true(load_blames(&f.load, 'b'));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r6_a_source_that_changes_its_tenant_goes_aside_whole),
        cmocka_unit_test(r6_a_target_that_is_blamed_takes_its_source_along),
        cmocka_unit_test(the_rest_of_a_search_goes_along),
        cmocka_unit_test(a_blame_replaces_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
