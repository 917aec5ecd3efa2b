"""The frame on a real terminal: sizes, locales, colours, and that the terminal is given back."""
import os
import re
import signal
import termios
import time

from rig.home import PROGRAM, RELEASE, Home
from rig.screen import Screen
from rig.terminal import Terminal


def help_at(s, cols, rows):
    """The help fills the screen of that size: title, lines, and the bottom line with its hint."""
    text = s.wait(lambda t: len(t.split("\n")) == rows and t.startswith(" Help: ")
                  and t.split("\n")[-1].endswith("help"))
    lines = text.split("\n")
    assert re.search(r"1-%d of \d+$" % (rows - 2), lines[0]), lines[0]
    assert len(lines[0]) == cols - 1 and len(lines[-1]) == cols - 1, lines
    assert all(len(l) <= cols for l in lines)
    return text


def test_every_size_while_running():
    with Home() as home, home.screen(cols=80, rows=24) as s:
        s.wait("? help")
        s.keys("?")
        help_at(s, 80, 24)
        for cols, rows in (120, 40), (40, 12), (200, 60), (40, 10), (80, 24):
            s.resize(cols, rows)
            help_at(s, cols, rows)
        for cols, rows in (39, 24), (80, 9), (12, 3):
            s.resize(cols, rows)
            s.wait("too small" if cols > 20 else f"{cols}x{rows} is")
        s.resize(80, 24)
        help_at(s, 80, 24)


def test_ascii_where_the_locale_has_no_more():
    with Home() as home, home.screen(LC_ALL="C") as s:
        s.wait("? help")
        s.keys("?", ":", "fo")
        text = s.wait("-" * 80)                 # the rule above the list
        assert text.isascii(), text


def test_utf8_where_no_locale_is_named():
    with Home() as home, home.screen(LC_ALL="", LC_CTYPE="", LANG="") as s:
        s.wait("? help")
        s.keys("?", ":", "fo")
        s.wait("─" * 80)


def test_no_color_sends_none():
    colour = re.compile(r"\x1b\[([0-9]+;)*(3[0-7]|4[0-7]|9[0-7]|10[0-7]|38|48)[;m]")
    with Home() as home:
        home.write_rc("[colors]\nheading = bold red on blue\n")
        with home.screen() as s:
            s.wait("? help")
            s.keys("?")
            s.wait("Moving")
            assert colour.search(s.colours())
        with home.screen(NO_COLOR="1") as s:
            s.wait("? help")
            s.keys("?")
            s.wait("Moving")
            assert not colour.search(s.colours()), s.colours()


def test_pasted_text_runs_no_commands():
    with Home() as home, home.screen() as s:
        s.wait("? help")
        s.keys("?")
        s.wait("Moving")
        s._tmux("set-buffer", "Qq:quit\n")
        s._tmux("paste-buffer", "-p")
        s.keys("/")
        s._tmux("paste-buffer", "-p")
        s.wait("Search: Qq:quit")


def leave(how):
    """Runs the program, ends it, and returns the terminal's settings afterwards, and what was written."""
    with Home() as home:
        t = Terminal([RELEASE], env=home.env())
        t.wait("help")
        how(t)
        deadline = time.monotonic() + 5
        while os.waitpid(t.pid, os.WNOHANG)[0] == 0:
            assert time.monotonic() < deadline
            t.read(0.01)
        t.settle(0.05)
        after = termios.tcgetattr(t.fd)
        os.close(t.fd)
        return after, t.seen


def test_terminal_is_given_back():
    ways = [lambda t: os.write(t.fd, b"Q")]
    ways += [lambda t, s=s: os.kill(t.pid, s) for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV,
                                                        signal.SIGABRT)]
    for how in ways:
        after, seen = leave(how)
        assert after[3] & termios.ICANON and after[3] & termios.ECHO and after[3] & termios.ISIG
        tail = seen[seen.rfind(b"\x1b[?2004h"):]
        for end in b"\x1b[?2004l", b"\x1b[?1049l":
            assert end in tail, (end, tail[-300:])


def test_suspend_and_come_back():
    with Home() as home, Screen(["bash", "--norc", "-i"], env=home.env(PS1="prompt> ")) as s:
        s.wait("prompt>")
        s.keys(PROGRAM, "Enter")
        s.wait("? help")
        s.keys("?")
        s.wait(re.compile(r"\? help *\n?$"))
        s.wait("Moving")
        time.sleep(0.3)                         # all of it is drawn
        lines = s.text().split("\n")[:-1]
        s.keys("C-z")
        s.wait("Stopped")
        s.keys("clear; echo still here", "Enter")
        s.wait("still here")
        s.keys("fg", "Enter")
        s.wait(lambda t: t.split("\n")[:-1] == lines)
        s.keys("Q")
        s.wait("still here")


def test_no_terminal_is_said_plainly():
    with Home() as home:
        done = home.run()
        assert done.returncode == 1 and "this is no terminal" in done.stderr, done.stderr
        assert done.stdout == ""


def test_terminal_that_cannot_is_refused():
    with Home() as home, home.screen(TERM="dumb") as s:
        text = s.wait("[exit 1]")
        assert "a terminal of type 'dumb' cannot move its cursor" in text, text


def test_unknown_terminal_is_taken_for_a_usual_one():
    with Home() as home, home.screen(TERM="something-new") as s:
        s.wait("? help")


def test_usage():
    with Home() as home:
        for args, want in (["chek"], "did you mean 'check'?"), (["-Z"], "no option '-Z'"), \
                (["-F"], "-F wants a file"), (["-R"], "-R wants a file"):
            done = home.run(*args)
            assert done.returncode == 64 and want in done.stderr, (args, done)
        assert home.run("-V").stdout.startswith("dunlin ")
        assert "dunlin check" in home.run("-h").stdout
        assert home.run("-F", "/nonexistent").returncode == 78
