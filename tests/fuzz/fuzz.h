/* fuzz.h - what libFuzzer calls, and what a fuzzer says of what came out. */
#ifndef DUNLIN_FUZZ_H
#define DUNLIN_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Says which of them it was. */
#define must(truth) \
	((truth) ? (void)0 : \
	(fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #truth), abort()))

#endif
