/* check — assertions that stay in the release: one condition each, for what cannot be otherwise.
 *
 * A failed CHECK prints where and what, and aborts: a broken invariant must never move a cursor.
 */
#pragma once

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            check_failed(#condition, __FILE__, __LINE__);                                          \
    } while (0)

_Noreturn void check_failed(const char *condition, const char *file, int line);
