/* fuzz_mbox.c with buffers of four bytes, so that what is short crosses every edge. */
#define MBOX_LINE 512
#define MBOX_CHUNK 4
#define MBOX_TAIL_WINDOW 64
#include "store/mbox_reader.c"
#include "store/mbox.c"
#include "store/mbox_out.c"
#include "store/mbox_append.c"
#include "store/mbox_mark.c"
#include "store/mbox_rewrite.c"
#include "store/mbox_change.c"

#include "fuzz_mbox.c"
