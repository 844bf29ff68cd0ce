"""A proxy before a Docker socket that lets nothing but GET through and writes down what it is asked: the shape of what
docs/OPERATING.md recommends, and the record for the promise that choregosd asks seven paths and no more."""
import os
import re
import socket
import threading

REQUEST = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.1\r\n")
ALLOWED = re.compile(r"^(/v1\.\d+)?(/_ping|/version|/events|/nodes|/services|/tasks|/containers/json)(\?.*)?$")


class GetOnlyProxy:
    def __init__(self, path, target):
        self.path, self.target = str(path), str(target)
        self.asked, self.refused = [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        engine = socket.socket(socket.AF_UNIX)
        try:
            engine.connect(self.target)
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pump, args=(engine, client), daemon=True).start()
        head = b""
        try:
            while True:
                data = client.recv(65536)
                if not data:
                    break
                head += data
                while b"\r\n\r\n" in head:  # a GET without a body ends here
                    block, head = head.split(b"\r\n\r\n", 1)
                    match = REQUEST.match(block + b"\r\n")
                    method, path = (match.group(1).decode(), match.group(2).decode()) if match else ("?", block[:80].decode(errors="replace"))
                    self.asked.append((method, path))
                    if method != "GET" or not ALLOWED.match(path):
                        self.refused.append((method, path))
                        return
                    engine.sendall(block + b"\r\n\r\n")
        except OSError:
            pass
        finally:
            for s in (client, engine):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    @staticmethod
    def _pump(source, to):
        try:
            while data := source.recv(65536):
                to.sendall(data)
        except OSError:
            pass
        finally:
            for s in (source, to):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def paths(self):
        """What was asked, without version and query."""
        return {re.sub(r"\?.*$", "", re.sub(r"^/v1\.\d+", "", path)) for _, path in self.asked}

    def check(self):
        assert self.asked and not self.refused, self.refused[:5]
        assert {method for method, _ in self.asked} == {"GET"}, self.asked[:5]

    def close(self):
        self.listener.close()
        os.unlink(self.path)
