/* test.h - what every unit test includes: cmocka, and a main that runs a table. */
#ifndef DUNLIN_TEST_H
#define DUNLIN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST_MAIN(...)									\
	int										\
	main(void)									\
	{										\
		const struct CMUnitTest tests[] = { __VA_ARGS__ };			\
		return cmocka_run_group_tests(tests, NULL, NULL);			\
	}
#define T(f) cmocka_unit_test(f)

#endif
