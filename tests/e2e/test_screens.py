"""Each view as a whole, on a real terminal, at three sizes and in a C locale.

The expected screens are in tests/e2e/screens; SCREENS=write makes them anew (then look at the
difference as a person would)."""
import os
import re
import time

from rig.home import Home

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "screens")
SIZES = [(80, 24), (120, 40), (40, 12)]
# View, keys that lead to it from the list, what shows that it is there.
VIEWS = [("index", [], "Welcome"),
         ("threads", ["g", "t"], re.compile("[└`]")),
         ("pager", ["Enter"], "You are reading"),
         ("html", ["/", "HTML", "Enter", "Enter", "H"], "shows HTML as"),
         ("harm", ["/", "harm", "Enter", "Enter"], "tries to clear"),
         ("parts", ["/", "Attach", "Enter", "v"], "birds.csv"),
         ("folders", ["y"], "Archive"),
         ("help", ["?"], "Help"),
         ("prompt", [":", "fol"], "fol"),
         ("limit", ["l", "lunch", "Enter"], "Grace"),
         ("nothing", ["l", "from:zebra", "Enter"], re.compile("Nothing fits")),
         ("tagged", ["t", "t", ";"], re.compile("[*]")),
         ("deleted", ["d"], "deleted")]


def plain(text):
    """Dates depend on the day of the test; everything else must be as it is written."""
    text = re.sub(r"\b[ \d]\d [A-Z][a-z]{2}\b(?! \d{4})", "DD Mon", text)
    return re.sub(r"\b20\d\d-\d\d-\d\d\b", "DD Mon    ", text)


def settled(screen):
    """The screen once it has not changed for a moment."""
    last = None
    for _ in range(40):
        text = screen.text()
        if text == last:
            return text
        last = text
        time.sleep(0.15)
    return last


def compare(name, text):
    path = os.path.join(HERE, name + ".txt")
    if os.environ.get("SCREENS") == "write":
        os.makedirs(HERE, exist_ok=True)
        with open(path, "w") as f:
            f.write(text + "\n")
        return
    with open(path) as f:
        want = f.read()
    assert text + "\n" == want, f"{name} differs. Expected:\n{want}\nGot:\n{text}"


def walk(cols, rows, locale="C.UTF-8", suffix=""):
    for name, keys, sign in VIEWS:
        with Home() as home, home.screen(cols=cols, rows=rows, LC_ALL=locale) as screen:
            screen.wait("Welcome")
            time.sleep(0.3)
            for k in keys:
                screen.keys(k)
                time.sleep(0.05)
            screen.wait(sign)
            compare(f"{name}-{cols}x{rows}{suffix}", plain(settled(screen)))


def test_80x24():
    walk(80, 24)


def test_120x40():
    walk(120, 40)


def test_40x12():
    walk(40, 12)


def test_80x24_in_the_c_locale():
    walk(80, 24, locale="C", suffix="-c")


def test_resizing_shows_the_same_as_starting():
    """A view that was resized looks like one begun at that size."""
    with Home() as home, home.screen(cols=120, rows=40) as screen:
        screen.wait("Welcome")
        for cols, rows in [(40, 12), (200, 60), (40, 10), (10, 3), (80, 24), (120, 40), (80, 24)]:
            screen.resize(cols, rows)
            time.sleep(0.15)
        screen.wait("Welcome")
        compare("index-80x24", plain(settled(screen)))
        screen.keys("Enter")
        screen.wait("You are reading")
        for cols, rows in [(40, 12), (80, 24), (120, 40), (80, 24)]:
            screen.resize(cols, rows)
            time.sleep(0.15)
        compare("pager-80x24", plain(settled(screen)))


def test_no_escape_of_a_mail_reaches_the_terminal():
    """The terminal's title is what it was, and the screen was not cleared."""
    with Home() as home, home.screen(cols=80, rows=24) as screen:
        screen.wait("Welcome")
        before = screen._tmux("display", "-p", "#{pane_title}")
        screen.keys("/", "harm", "Enter", "Enter")
        screen.wait("tries to clear")
        assert "owned" not in screen._tmux("display", "-p", "#{pane_title}")
        assert before == screen._tmux("display", "-p", "#{pane_title}")
