"""The tutorial, walked as it tells: what it says can be done is done."""
import os
import re

from rig.home import Home


def test_walk():
    with Home() as home, home.screen(cols=90, rows=32) as s:
        s.wait("1. Welcome to Dunlin")
        s.keys("Enter")                                 # lesson 1
        s.wait("Press Space to go on to lesson 2")
        s.keys("Space")
        s.wait("2. Getting around")
        s.keys("q", "j", "Enter")
        s.wait("Here is what makes an inbox empty")     # lesson 3
        s.keys("q")
        s.wait("12. Your own mail")
        s.keys("d")
        s.gone("3. Deciding")
        s.keys("u")
        s.wait("3. Deciding")
        s.keys("gg", "G")                               # to the last, and back
        s.keys("gg", "g", "t")                          # lesson 4: threads
        s.wait("└─")
        s.keys("/", "Lunch", "Enter", "z")
        s.gone("└─")
        s.keys("z")
        s.wait("└─")
        s.keys("g", "t", "gg")
        s.keys("t", "t", "t", ";", "d")                 # lesson 5: many at once
        s.gone("1. Welcome")
        s.keys("u")
        s.wait("1. Welcome")
        s.keys("l", "lunch", "Enter")                   # lesson 6: finding
        s.gone("5. Many")
        s.wait("Grace")
        s.keys("Escape")
        s.wait("5. Many")
        s.keys("/", "7. Folders", "Enter", "a")         # lesson 7: folders
        s.gone("7. Folders")
        s.keys("c", "Archive", "Enter")
        s.wait("7. Folders")
        s.keys("s", "INBOX", "Enter")
        s.gone("7. Folders")
        s.keys("c", "INBOX", "Enter")
        s.wait("7. Folders")
        s.keys("/", "8. Attach", "Enter", "v")          # lesson 8: attachments
        s.wait("birds.csv")
        s.keys("/", "birds", "Enter", "s")
        s.wait(re.compile("(?i)save"))
        target = home.path("birds.csv")
        s.keys("C-u", target, "Enter")
        s.wait(re.compile("(?i)saved|written"))
        with open(target) as f:
            assert f.read().replace("\r\n", "\n") == "bird,length_cm\nDunlin,18\nCurlew,55\nRedshank,28\n"
        assert os.stat(target).st_mode & 0o777 == 0o600
        s.keys("q", "/", "9. A letter", "Enter", "Enter")
        s.wait("This is the plain text")
        s.keys("H")
        s.wait("Curlew")
        s.keys("q", "?")                                # lesson 11: help
        s.wait("Help")
        s.keys("q", "q")
        s.wait("[exit 0]")


def test_decisions_stay():
    """What was deleted in the tutorial is in the Trash mbox after a restart."""
    with Home() as home:
        with home.screen() as s:
            s.wait("1. Welcome")
            s.keys("d")
            s.gone("1. Welcome")
            s.keys("q")
            s.wait("[exit 0]")
        with home.screen() as s:
            s.wait("2. Getting")
            assert "1. Welcome" not in s.text()
            s.keys("c", "Trash", "Enter")
            s.wait("1. Welcome")
