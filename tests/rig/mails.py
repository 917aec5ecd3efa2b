"""Messages made from a number: the same number gives the same message."""
import email.message
import email.policy
import email.utils
import random
import time

PEOPLE = [("Ada Lovelace", "ada@example.org"), ("Grace Hopper", "grace@navy.example"),
          ("Jürgen Groß", "juergen@example.de"), ("山田太郎", "taro@example.jp"),
          ("Zoë Ångström", "zoe@example.se"), ("Build Robot", "ci@build.example"),
          ("Katherine Johnson", "kj@space.example"), ("Edsger", "ewd@tue.example"),
          ("Ирина Петрова", "irina@example.ru"), ("Niklaus Wirth", "wirth@eth.example")]
TOPICS = ["Minutes of Tuesday's meeting", "Your order has shipped", "Patch: fix the off-by-one",
          "Lunch on Friday?", "Quarterly report, second draft", "Fahrplan für die Umstellung",
          "会議の議事録", "Re-using the old index", "Invitation: design review",
          "The printer is on fire again 🔥", "Release 2.4 is out", "Question about §3 of the plan"]
WORDS = ("the of mail server was not reached before noon and so we kept what we had until the "
         "link came back then everything arrived at once in good order which pleased all").split()
EPOCH = 1767225600      # 2026-01-01


def message_id(n, tag="m"):
    return f"{tag}.{n}@rig.example"


def make(n, *, tag="m", reply_to=None, attach=False, html=False, subject=None, words=60,
         to=("Ada", "ada@localhost"), when=None):
    """An EmailMessage; `reply_to` is the number of its parent."""
    r = random.Random(n)
    m = email.message.EmailMessage()
    m["Message-ID"] = f"<{message_id(n, tag)}>"
    m["Date"] = email.utils.formatdate(when or EPOCH + n * 600, localtime=False)
    m["From"] = email.utils.formataddr(PEOPLE[n % len(PEOPLE)])
    m["To"] = email.utils.formataddr(to)
    topic = TOPICS[(reply_to if reply_to is not None else n) % len(TOPICS)]
    m["Subject"] = subject or (("Re: " if reply_to is not None else "") + topic)
    if reply_to is not None:
        m["In-Reply-To"] = m["References"] = f"<{message_id(reply_to, tag)}>"
    body = " ".join(r.choice(WORDS) for _ in range(words))
    m.set_content(f"Message {n}.\n\n{body}.\n\n> quoted words\n> more of them\n\n-- \nsignature {n}\n")
    if html:
        m.add_alternative(f"<html><body><h1>Message {n}</h1><p>{body} "
                          f'<a href="https://example.org/{n}">a link</a></p></body></html>',
                          subtype="html")
    if attach:
        m.add_attachment(bytes(r.randrange(256) for _ in range(2000)), maintype="application",
                         subtype="octet-stream", filename=f"data-{n}.bin")
    return m


def raw(n, **kw):
    return make(n, **kw).as_bytes(policy=email.policy.SMTP)


def demo(count):
    """A mailbox as people have them: threads, attachments, HTML, several scripts."""
    out = []
    for n in range(count):
        parent = n - 1 - n % 3 if n % 7 in (2, 3) and n > 4 else None
        out.append(raw(n, reply_to=parent, attach=n % 11 == 5, html=n % 4 == 1))
    return out


def small(n, tag="big"):
    """A short message without the email package's cost, for mailboxes of a hundred thousand."""
    name, addr = PEOPLE[n % len(PEOPLE)]
    name = name if name.isascii() else "Person"
    when = EPOCH - 86400 * 365 + n * 60
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(when))
    ref = f"References: <{message_id(n - 1, tag)}>\r\n" if n % 5 == 1 else ""
    text = (f"Message-ID: <{message_id(n, tag)}>\r\nDate: {date}\r\nFrom: {name} <{addr}>\r\n"
            f"To: Ada <ada@localhost>\r\nSubject: Number {n} of many\r\n{ref}"
            f"Content-Type: text/plain; charset=utf-8\r\n\r\nBody of message {n}.\r\n")
    return when, text.encode()


