"""A POP3 server with the habits that servers have: a mailbox in memory, changed by the test while it runs."""
import threading

from rig.fake import Fake


class OddPop3(Fake):
    """mails: [(uidl, bytes)]. no_uidl, no_top: commands it lacks; refuse: numbers whose RETR says -ERR, `refuse_words`
    behind it; vanish: those it lists and has no more; login: a -ERR line instead of a login; stls: what it says to STLS."""

    def __init__(self, mails):
        self.mails = list(mails)
        self.no_uidl = self.no_top = False
        self.refuse, self.refuse_words, self.login, self.stls = set(), "cannot read that", None, "-ERR no TLS here"
        self.n_retr = self.n_top = self.n_sessions = 0
        self.pause = None                       # an Event: RETR waits for it behind the first half
        self.at_pause = threading.Event()
        super().__init__(self._talk)

    def listing(self, s, values):
        s.say("+OK")
        for n, v in enumerate(values, 1):
            s.say(f"{n} {v}")
        s.say(".")

    def message(self, s, raw):
        s.say("+OK")
        raw = raw.replace(b"\r\n.", b"\r\n..")
        if self.pause:
            s.raw(raw[:len(raw) // 2])
            self.at_pause.set()
            self.pause.wait(60)
            raw = raw[len(raw) // 2:]
        s.raw(raw + b".\r\n")

    def _talk(self, s):
        self.n_sessions += 1
        s.say("+OK ready")
        deleted = set()
        while True:
            line = s.line()
            word, _, arg = line.partition(" ")
            word = word.upper()
            n = int(arg.split()[0]) if arg and arg.split()[0].isdigit() else 0
            if word == "CAPA":
                s.say("+OK")
                s.say("USER")
                s.say(".")
            elif word == "STLS":
                s.say(self.stls)
            elif word == "PASS" and self.login:
                s.say(self.login)
            elif word == "LIST":
                self.listing(s, [len(raw) for _, raw in self.mails])
            elif word == "UIDL" and not self.no_uidl:
                self.listing(s, [u for u, _ in self.mails])
            elif word == "TOP" and not self.no_top:
                self.n_top += 1
                s.say("+OK")
                s.raw(self.mails[n - 1][1].partition(b"\r\n\r\n")[0] + b"\r\n\r\n.\r\n")
            elif word == "RETR":
                self.n_retr += 1
                if n in self.refuse:
                    s.say(f"-ERR {self.refuse_words}")
                else:
                    self.message(s, self.mails[n - 1][1])
            elif word == "DELE":
                deleted.add(n)
                s.say("+OK")
            elif word == "QUIT":
                self.mails = [m for k, m in enumerate(self.mails, 1) if k not in deleted]
                s.say("+OK bye")
                return
            elif word in ("USER", "PASS", "NOOP"):
                s.say("+OK")
            else:
                s.say("-ERR what?")
