#!/usr/bin/env python3
"""How much memory a message of 1 GB takes: downloaded, shown in the list, opened in the pager, saved.

    python3 tests/bench/memory.py [MB]      from the top directory; size of the large one (1024)

A server that streams gives a message of 1 MB, then one of MB. Printed is the peak of resident memory (VmHWM) of
the whole process; what is to be seen is that it does not grow with the message. It takes MB five times on the disk."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from rig.memory import measure, measure_saving          # noqa: E402


def main():
    for mb in (1, int(sys.argv[1]) if len(sys.argv) > 1 else 1024):
        sync, download, opened, took = measure(mb)
        print(f"{mb:5} MB: dunlin sync {sync / 1024:.1f} MB in {took:.1f} s; on the screen: downloaded "
              f"{download / 1024:.1f} MB, opened {opened / 1024:.1f} MB", flush=True)
        peaks = " ".join(f"{kb / 1024:.1f}" for kb in measure_saving(mb))
        print(f"         its parts listed, the attachment saved, piped, the whole piped: {peaks} MB", flush=True)


if __name__ == "__main__":
    main()
