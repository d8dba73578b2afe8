/* tests/check.h - short names over cmocka. A test's name is the sentence it proves; the file ends with
 * GH_TESTS(name, name, …). */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TEST(name) static void name(__attribute__((unused)) void **state)
#define CHECK(condition) assert_true(condition)

/* Names the row that failed. */
#define CHECK_ROW(row, condition)                                                                            \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_error("row %s: %s\n", (row), #condition);                                                  \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

#define GH_TESTS(...)                                                                                        \
    int main(void) {                                                                                         \
        const struct CMUnitTest tests[] = { GH_TESTS_EACH(__VA_ARGS__) };                                    \
        return cmocka_run_group_tests(tests, NULL, NULL);                                                    \
    }

#define GH_TESTS_EACH(...) __VA_OPT__(GH_TESTS_1(__VA_ARGS__))
#define GH_PARENS ()
#define GH_EXPAND(...) GH_EXPAND3(GH_EXPAND3(GH_EXPAND3(GH_EXPAND3(__VA_ARGS__))))
#define GH_EXPAND3(...) GH_EXPAND2(GH_EXPAND2(GH_EXPAND2(GH_EXPAND2(__VA_ARGS__))))
#define GH_EXPAND2(...) GH_EXPAND1(GH_EXPAND1(GH_EXPAND1(GH_EXPAND1(__VA_ARGS__))))
#define GH_EXPAND1(...) __VA_ARGS__
#define GH_TESTS_1(...) GH_EXPAND(GH_TESTS_ROW(__VA_ARGS__))
#define GH_TESTS_ROW(name, ...) cmocka_unit_test(name), __VA_OPT__(GH_TESTS_AGAIN GH_PARENS(__VA_ARGS__))
#define GH_TESTS_AGAIN() GH_TESTS_ROW
