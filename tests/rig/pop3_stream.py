"""A POP3 server that makes its messages up while it sends them: as large as one likes, in no memory."""
import socket
import threading

LINE = b"TWFpbCBvZiBhbnkgc2l6ZSwgaW4gbGluZXMgYXMgYmFzZTY0IGhhcyB0aGVtLCA3NiBjaGFyYWN0\r\n"
BLOCK = LINE * 1000


class Pop3Stream:
    """sizes: the size of the attachment of each message, in bytes (about). Any password will do."""

    def __init__(self, sizes):
        self.sizes = sizes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def head(self, n):
        return (f"Message-ID: <stream.{n}@rig.example>\r\nFrom: Ada <ada@example.org>\r\n"
                f"Date: Thu, 01 Jan 2026 00:00:{n:02} +0000\r\nSubject: Stream {n}\r\nMIME-Version: 1.0\r\n"
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n").encode()

    def begin(self, n):
        return (f"--b\r\nContent-Type: text/plain\r\n\r\nText of message {n}.\r\n\r\n--b\r\n"
                "Content-Type: application/octet-stream; name=large.bin\r\n"
                "Content-Disposition: attachment; filename=large.bin\r\n"
                "Content-Transfer-Encoding: base64\r\n\r\n").encode()

    END = b"--b--\r\n"

    def n_blocks(self, n):
        return max(1, self.sizes[n - 1] // len(BLOCK))

    def size(self, n):
        return len(self.head(n)) + len(self.begin(n)) + self.n_blocks(n) * len(BLOCK) + len(self.END)

    def _accept(self):
        while True:
            try:
                s, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def _serve(self, s):
        try:
            self._session(s, s.makefile("rb"))
        except OSError:
            pass
        s.close()

    def _session(self, s, lines):
        s.sendall(b"+OK here\r\n")
        for line in lines:
            verb, *args = line.decode(errors="replace").split()
            n = int(args[0]) if args and args[0].isdigit() else 0
            numbers = range(1, len(self.sizes) + 1)
            if verb == "CAPA":
                s.sendall(b"+OK\r\nUSER\r\nUIDL\r\nTOP\r\nPIPELINING\r\n.\r\n")
            elif verb == "LIST":
                s.sendall(b"+OK\r\n" + b"".join(b"%d %d\r\n" % (k, self.size(k)) for k in numbers) + b".\r\n")
            elif verb == "UIDL":
                s.sendall(b"+OK\r\n" + b"".join(b"%d u%d\r\n" % (k, k) for k in numbers) + b".\r\n")
            elif verb == "TOP":
                s.sendall(b"+OK\r\n" + self.head(n) + b".\r\n")
            elif verb == "RETR":
                s.sendall(b"+OK\r\n" + self.head(n) + self.begin(n))
                for _ in range(self.n_blocks(n)):
                    s.sendall(BLOCK)
                s.sendall(self.END + b".\r\n")
            else:
                s.sendall(b"+OK\r\n")
                if verb == "QUIT":
                    return

    def close(self):
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
