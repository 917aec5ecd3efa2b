"""A TCP proxy that misbehaves on demand: delay, stall, cut, one byte at a time."""
import selectors
import socket
import threading
import time


class Proxy:
    """Listens on a free loopback port and passes bytes to `target`, a port.

    delay        seconds each way, added to every piece
    cut_after    total bytes from the server after which both sides are closed; None: never
    cut_up_after the same of bytes from the client
    cut_once     after that cut everything passes; else every further byte cuts
    stall_after  total bytes from the server after which `stalled` becomes true
    stalled      while true nothing passes towards the client (and with stall_up, to the server)
    bytewise     the server's bytes arrive one by one
    late_up      (word, seconds): when the client sends something with that word in it, it is cut off at
                 once, and the server gets it so much later, as from a server that is slow to do it;
                 n_late says how often that was done, and late_up is None then
    """

    def __init__(self, target, *, delay=0.0, cut_after=None, cut_up_after=None, cut_once=False,
                 stall_after=None, bytewise=False, late_up=None):
        self.target, self.delay = target, delay
        self.cut_after, self.bytewise = cut_after, bytewise
        self.cut_up_after, self.cut_once, self.stall_after = cut_up_after, cut_once, stall_after
        self.n_cuts = self.n_late = 0
        self.late_up, self._orphans = late_up, set()
        self.stalled = self.stall_up = self.refuse = False
        self.n_down = self.n_up = self.n_connections = 0
        self.up_log = bytearray()       # what clients sent, for "no credential was sent"
        self._stop = False
        self._pairs = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while not self._stop:
            try:
                client, _ = self._listener.accept()
            except OSError:
                continue
            if self.refuse:
                client.close()
                continue
            self.n_connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            self._pairs.append(pair)
            for down in (True, False):
                threading.Thread(target=self._pump, args=(pair, down), daemon=True).start()

    def _pump(self, pair, down):
        source, sink = (pair[1], pair[0]) if down else pair
        sel = selectors.DefaultSelector()
        queue = []                      # (when, bytes), for the delay
        try:
            sel.register(source, selectors.EVENT_READ)
            while not self._stop:
                wait = 0.05
                if queue:
                    wait = max(0.0, min(wait, queue[0][0] - time.monotonic()))
                if sel.select(wait):
                    data = source.recv(65536)
                    if not data:
                        break
                    queue.append((time.monotonic() + self.delay, data))
                while queue and queue[0][0] <= time.monotonic():
                    if self.stalled and (down or self.stall_up):
                        time.sleep(0.01)
                        break
                    data = queue.pop(0)[1]
                    if not down and self.late_up and self.late_up[0] in data:
                        self._send_late(pair, data)
                    self._send(sink, data, down)
            for _, data in queue:
                self._send(sink, data, down)
        except (OSError, ConnectionError):
            pass
        finally:
            sel.close()
            self._close(pair)

    def _send(self, sink, data, down):
        limit, passed = (self.cut_after, self.n_down) if down else (self.cut_up_after, self.n_up)
        is_cut = limit is not None and passed + len(data) > limit
        if is_cut:
            data = data[:max(0, limit - passed)]
        if down and self.stall_after is not None and passed + len(data) > self.stall_after:
            data, self.stalled = data[:max(0, self.stall_after - passed)], True
        if down:
            self.n_down += len(data)
        else:
            self.n_up += len(data)
            self.up_log += data
        for piece in ([bytes([b]) for b in data] if self.bytewise and down else [data]):
            sink.sendall(piece)
        if is_cut:
            self.n_cuts += 1
            if self.cut_once:
                self.cut_after = self.cut_up_after = None
            raise ConnectionError("cut")

    def _send_late(self, pair, data):
        (_, pause), self.late_up = self.late_up, None
        self._orphans.add(pair[1])
        pair[0].shutdown(socket.SHUT_RDWR)
        time.sleep(pause)
        self._orphans.discard(pair[1])
        pair[1].sendall(data)
        time.sleep(0.5)                 # it answers nobody
        self.n_late += 1
        raise ConnectionError("late")

    def _close(self, pair):
        for s in pair:
            if s in self._orphans:
                continue
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        """Breaks every connection there is; new ones pass."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            self._close(pair)

    def stop(self):
        self._stop = True
        self.cut()
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
