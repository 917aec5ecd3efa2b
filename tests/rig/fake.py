"""A mail server that says what a test tells it to, and keeps what it was sent."""
import socket
import ssl
import threading


class Fake:
    """Runs `talk(session)` for each connection, in a thread.

    In talk: s.line() reads a line (without its end), s.say(text) sends one, s.tag is the tag of the
    last line read, s.starttls(pem, key) upgrades, s.raw(bytes) sends bytes as they are.
    All bytes received in plain text are in `received`."""

    def __init__(self, talk, *, tls=None):
        self.talk, self.tls = talk, tls
        self.received = bytearray()
        self.sessions = 0
        self._stop = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self._stop:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                continue
            self.sessions += 1
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        conn.settimeout(20)
        try:
            session = Session(self, conn)
            if self.tls:
                session.starttls(*self.tls)
            self.talk(session)
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            try:
                session.conn.close()
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop = True
        self._listener.close()


class Session:
    def __init__(self, server, conn):
        self.server, self.conn, self.tag, self._buf = server, conn, "", b""

    def line(self):
        while b"\n" not in self._buf:
            data = self.conn.recv(65536)
            if not data:
                raise EOFError
            self.server.received += data
            self._buf += data
        line, _, self._buf = self._buf.partition(b"\n")
        text = line.rstrip(b"\r").decode(errors="replace")
        self.tag = text.split(" ")[0]
        return text

    def take(self, n):
        """n bytes: a literal."""
        while len(self._buf) < n:
            data = self.conn.recv(65536)
            if not data:
                raise EOFError
            self.server.received += data
            self._buf += data
        out, self._buf = self._buf[:n], self._buf[n:]
        return out

    def say(self, text):
        self.raw(text.encode() + b"\r\n")

    def raw(self, data):
        self.conn.sendall(data)

    def starttls(self, pem, key):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(pem, key)
        self.conn = ctx.wrap_socket(self.conn, server_side=True)
