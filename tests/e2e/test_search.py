"""Texts are found: in mbox files by their index of words, on a server by the server, and offline in what was read."""
import email.message
import email.policy

from rig import mails
from rig.dovecot import Dovecot
from rig.home import Home


def letter(n, text, subject=None):
    m = mails.make(n, subject=subject or f"subject-{n}")
    m.set_content(text)
    return m.as_bytes(policy=email.policy.SMTP)


TEXTS = ["The harvest report is late", "Nothing of note", "Der Bericht über die Ärzte",
         "Another HARVEST, and one more report", "会議の議事録を送ります", "harvester of words"]


def fill_mbox(path, texts=TEXTS):
    with open(path, "wb") as f:
        for n, text in enumerate(texts):
            f.write(b"From a@b.example Thu Jan  1 00:00:00 2026\n"
                    + letter(n, text).replace(b"\r\n", b"\n") + b"\n")


def limit(s, text, *subjects):
    """Limits to `text`; the list is these subjects and no others."""
    s.keys("l")
    s.wait("imit")
    s.keys("C-u", text, "Enter")

    def fits(screen):
        shown = {f"subject-{n}" for n in range(20) if f"subject-{n} " in screen}
        return f"limit: {text}" in screen and shown == set(subjects)
    s.wait(fits)


def open_until(s, text):
    """The search moves the cursor when it is over: until then another message opens."""
    for _ in range(20):
        s.keys("Enter")
        s.wait("Subject: ")
        if text in s.text():
            return
        s.keys("q")
        s.wait("subject-1 ")
    s.wait(text)


def test_mbox():
    with Home() as home:
        path = home.path("some.mbox")
        fill_mbox(path)
        with home.screen("-f", path, cols=100) as s:
            s.wait("subject-5")
            limit(s, "body:harvest", "subject-0", "subject-3", "subject-5")
            limit(s, 'body:"harvest report"', "subject-0")
            limit(s, "body:arzte", "subject-2")
            limit(s, "body:議事録", "subject-4")
            limit(s, "body:report -body:late", "subject-3")
            limit(s, "body:harvest OR body:note", "subject-0", "subject-1", "subject-3", "subject-5")
            limit(s, "body:nowhere")
            s.wait("Nothing fits")
            s.keys("Escape")
            s.wait("subject-1 ")
            s.keys("gg", "/", "body:note", "Enter")
            open_until(s, "Nothing of note")
            s.keys("q", "/", "body:nowhere", "Enter")
            s.wait("nothing fits 'body:nowhere'")
            s.keys("M-t", "body:harvest", "Enter")
            s.wait("3 messages tagged")


def test_many():
    """More than are planned at once; the index is left in the middle and goes on when the file is opened again."""
    texts = ["plain"] * 2500
    texts[3] = "the oldest harvest"
    texts[2480] = "the newest harvest"
    with Home() as home:
        path = home.path("some.mbox")
        with open(path, "wb") as f:
            for n, text in enumerate(texts):
                f.write(f"From a@b.example Thu Jan  1 00:00:00 2026\nFrom: ada@example.org\n"
                        f"Subject: number {n} of many\nMessage-ID: <{n}@x>\n\n{text}\n\n".encode())
        with home.screen("-f", path, cols=100) as s:
            s.wait("number 2499 ")
        with home.screen("-f", path, cols=100) as s:
            s.wait("number 2499 ")
            s.keys("l")
            s.wait("imit")
            s.keys("body:harvest", "Enter")
            s.wait(lambda screen: "number 3 " in screen and "number 2480 " in screen and "number 2499" not in screen)


def test_server_and_offline():
    """The server finds what was never read here; without it there is what was read."""
    server = Dovecot().start()
    try:
        server.fill([letter(n, text) for n, text in enumerate(TEXTS)])
        with Home() as home:
            home.account(server.ports["imaps"], scheme="imaps", host="localhost",
                         more=f"ca-file = {server.ca}")
            with home.screen(cols=100) as s:
                s.wait("subject-5")
                limit(s, "body:report", "subject-0", "subject-3")
                limit(s, "body:Ärzte", "subject-2")
                limit(s, "body:report", "subject-0", "subject-3")
                server.fill([letter(6, "The last report"), letter(7, "No word of it")])
                s.wait("subject-6 ")            # what comes while the limit stands is looked into, too
                server.fill([letter(8, "A second report")])
                s.wait(lambda t: "subject-8 " in t and "subject-3 " in t and "subject-7" not in t)
                s.keys("Escape")
                s.wait("subject-1 ")
                s.keys("gg", "G", "Enter")
                s.wait("harvest report is late")
                s.keys("q", "Q")
                s.wait("[exit 0]")
            server.stop()
            with home.screen(cols=100) as s:
                s.wait("subject-5")
                limit(s, "body:report", "subject-0")
    finally:
        server.stop()
