/* main.c - options, wiring, exit code. */
#include <stdio.h>

int
main(void)
{
	puts("dunlin " DUNLIN_VERSION);
	return 0;
}
