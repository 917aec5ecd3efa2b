"""Attachments that are larger than anybody's memory: saved and piped beside the keys, and stopped."""
import os

from rig.home import Home
from rig.memory import measure_saving, write_mbox
from rig.waiting import until


def open_parts(s, seconds=60):
    s.wait("Stream 1", timeout=seconds)
    s.keys("Enter")
    s.wait("large.bin", timeout=seconds)
    s.keys("v")
    s.wait("octet-stream", timeout=seconds)
    s.keys("G")


def test_saving_takes_no_more_memory():
    """100 MB saved and piped, decoded right, take hardly more memory than 1 MB."""
    options = {"ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}
    small, large = measure_saving(1, **options), measure_saving(100, **options)
    for what, before, after in zip(("parts", "saved", "piped", "message piped"), small, large):
        print(f"{what}: {before / 1024:.0f} MB, {after / 1024:.0f} MB")
        assert after - before < 30 * 1024, (what, before, after)


def test_saving_beside_the_keys():
    """Told how far it is, while one reads on; Esc leaves no file; what is there is written over only when all is there."""
    with Home() as home:
        home.write_rc("[mail]\n")
        n = write_mbox(home.path("one.mbox"), 150)
        saved, other = home.path("saved"), home.path("other")
        with home.screen("-f", home.path("one.mbox")) as s:
            open_parts(s)
            s.keys("s", "C-u", saved, "Enter")          # the part is cut out of the message first
            s.wait("saved " + saved[:20], timeout=60)
            assert os.path.getsize(saved) == n
            s.keys("s", "C-u", other, "Enter", "Escape")
            s.wait("is not saved")
            assert not os.path.exists(other)
            s.keys("s", "C-u", saved, "Enter")
            s.wait("Write over")
            s.keys("y", "Escape")
            s.wait(f"stopped: {saved} is not saved")
            assert os.path.getsize(saved) == n          # the old one, whole
            s.keys("|", f"wc -c > {other}", "Enter", "Escape")
            s.wait("stopped")
            assert not os.path.exists(other)
            s.keys("s", "C-u", other, "Enter", "q")     # it goes on when one leaves
            s.wait("Text of message")
            until(lambda: os.path.exists(other) and os.path.getsize(other) >= n, s.text, 60)
            s.wait("saved " + other[:20])
            s.keys("v")
            s.wait("octet-stream")
            s.keys("G", "s", "C-u", home.path("last"), "Enter", ":quit", "Enter")
            s.wait("A file is being saved still. Leave, and not save it?")
            s.keys("y")
            s.wait("[exit 0]", timeout=20)
        assert not os.path.exists(home.path("last"))
        assert not [f for f in os.listdir(home.path("cache/dunlin")) if f.startswith("pipe-")]
