# SPDX-License-Identifier: LGPL-2.1-or-later
"""The serving elements behind HAProxy: what it passes on works, and what one of the two takes for one request is never two for the other."""
import re
import socket
import subprocess
import tempfile
import unittest
import urllib.request
from pathlib import Path

from players import BARS, PATIENCE, Line, free_port, needs, wait_until

OFFER = (Path(__file__).resolve().parents[1] / "webrtc/offers/chromium-viewer.sdp").read_bytes()
CONFIGURATION = """
global
    maxconn 200
defaults
    mode http
    timeout connect 20s
    timeout client 60s
    timeout server 60s
    timeout http-request 30s
frontend front
    bind 127.0.0.1:{front}
    default_backend element
backend element
    http-reuse always
    server element 127.0.0.1:{back}
"""
INNER = b"GET /snapshot.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Each may be read as one request or as two.
AMBIGUOUS = {
    "length and chunks": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    "chunks and length": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n%s"
                         % (5 + len(INNER), INNER),
    "two lengths": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: %d\r\n\r\n%s" % (len(INNER), INNER),
    "a list of lengths": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0, %d\r\n\r\n%s" % (len(INNER), INNER),
    "a signed length": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nContent-Length: +0\r\n\r\n" + INNER,
    "a space before the colon": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n%s"
                                % (5 + len(INNER), INNER),
    "another coding": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n%s"
                      % (5 + len(INNER), INNER),
    "chunked twice": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + INNER,
    "a coding with a tab": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + INNER,
    "a folded field": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    "a bare carriage return": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    "a body of a GET": b"GET /snapshot.jpg HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(INNER), INNER),
    "a chunk size too large": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + INNER,
    "a chunk that is longer": b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" + INNER,
    "two hosts": b"GET /snapshot.jpg HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "an old version": b"POST /ticket HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
}


@needs("haproxy")
class BehindHaproxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.line = Line(f"{BARS} ! tee name=t t. ! queue ! livehttpsink name=http port=0 t. ! queue ! livewebrtcsink name=web port=0")
        cls.folder = tempfile.TemporaryDirectory()
        cls.proxies = []
        cls.front = {name: cls.put_in_front(cls.line.get(name, "url")) for name in ("http", "web")}

    @classmethod
    def tearDownClass(cls):
        for proxy in cls.proxies:
            proxy.terminate()
            proxy.wait()
        cls.folder.cleanup()
        cls.line.__exit__(None)

    @classmethod
    def put_in_front(cls, url):
        port = free_port()
        file = Path(cls.folder.name) / f"{port}.cfg"
        file.write_text(CONFIGURATION.format(front=port, back=re.search(r":(\d+)", url).group(1)))
        subprocess.run(["haproxy", "-c", "-f", file], check=True, capture_output=True)
        cls.proxies.append(subprocess.Popen(["haproxy", "-db", "-f", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

        def connects():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        wait_until(connects, "haproxy")
        return port

    @staticmethod
    def exchange(port, request):
        """All that comes back until the connection ends: whoever has answered is told that nothing more will be asked."""
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            said = b""
            try:
                while piece := connection.recv(65536):
                    said += piece
            except ConnectionResetError:
                pass
            return said

    def requests(self):
        return self.line.stat("http", "requests")

    def test_nothing_is_smuggled(self):
        direct = int(re.search(r":(\d+)", self.line.get("http", "url")).group(1))
        for name, request in AMBIGUOUS.items():
            for way, port in (("direct", direct), ("through haproxy", self.front["http"])):
                with self.subTest(name, way=way):
                    before = self.requests()
                    said = self.exchange(port, request)
                    answers = re.findall(rb"^HTTP/1\.[01] (\d+)", said, re.M)
                    self.assertEqual(len(answers), 1, said[:300])
                    # HAProxy may mend a request and pass it on; the second half of it never arrives as one of its own.
                    self.assertLessEqual(self.requests() - before, 1, said[:300])
                    self.assertNotIn(b"\xff\xd8\xff", said if request.startswith(b"POST") else b"")

    # The ticket of one client is never the answer to another, on whatever connection behind the proxy.
    def test_answers_are_not_mixed_up(self):
        for name, request in AMBIGUOUS.items():
            self.exchange(self.front["http"], request)
            plain = self.exchange(self.front["http"], b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertRegex(plain, rb"^HTTP/1\.1 404 ", name)
            self.assertEqual(len(re.findall(rb"^HTTP/1\.1 ", plain, re.M)), 1, name)

    def test_page_snapshot_and_stream(self):
        root = f"http://localhost:{self.front['http']}"
        with urllib.request.urlopen(root + "/", timeout=PATIENCE) as page:
            self.assertIn(b"<img", page.read())
        with urllib.request.urlopen(root + "/snapshot.jpg", timeout=PATIENCE) as picture:
            self.assertEqual(picture.read(3), b"\xff\xd8\xff")
        with urllib.request.urlopen(root + "/stream", timeout=PATIENCE) as stream:
            pictures = b""
            while pictures.count(b"--frame") < 20:
                pictures += stream.read1(65536)
        wait_until(lambda: self.line.stat("http", "viewers") == 0, "the viewer's leaving")

    def test_a_session(self):
        root = f"http://localhost:{self.front['web']}"
        ask = lambda method, path, body=None, **headers: urllib.request.urlopen(urllib.request.Request(
            root + path, body, {name.replace("_", "-"): value for name, value in headers.items()}, method=method), timeout=PATIENCE)
        with ask("POST", "/whep", OFFER, Content_Type="application/sdp") as reply:
            self.assertEqual(reply.status, 201)
            session, etag = reply.headers["Location"], reply.headers["ETag"]
        fragment = b"a=mid:0\r\na=candidate:1 1 udp 2122260223 127.0.0.1 61764 typ host\r\n"
        with ask("PATCH", session, fragment, Content_Type="application/trickle-ice-sdpfrag", If_Match=etag) as reply:
            self.assertEqual(reply.status, 204)
        with ask("DELETE", session) as reply:
            self.assertEqual(reply.status, 200)


if __name__ == "__main__":
    unittest.main()
