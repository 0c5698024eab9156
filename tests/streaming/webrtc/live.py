# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pipelines with livewebrtcsink and livewebrtcsrc for tests: started by gst-launch-1.0, watched from outside."""
import http.client
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

SKIPPED = 77
PATIENCE = 60  # seconds, for what is only late on a busy machine
OFFERS = Path(__file__).parent / "offers"
NODE_MODULES = Path(os.environ.get("LIVEEDIT_NODE", Path(__file__).parents[3] / ".cache/node"))


class Live:
    """A running gst-launch-1.0 line with one of the elements, on a port of the system's choice."""

    def __init__(self, line):
        self.process = subprocess.Popen(["gst-launch-1.0", "-m", "-v", *line.split()], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        # One for each element, in the order in which they start.
        self.urls = dict(self.wait(r"/Gst\w+:(\w+): url = (http\S+)$", count=line.count("port=0")))
        self.url = next(iter(self.urls.values()))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def _read(self):
        with self.process.stdout:
            for text in self.process.stdout:
                with self.changed:
                    self.lines.append(text.rstrip())
                    self.changed.notify_all()
        with self.changed:
            self.lines.append("(the pipeline has ended)")
            self.changed.notify_all()

    def found(self, pattern):
        with self.changed:
            return [match.groups() for text in self.lines if (match := re.search(pattern, text))]

    def wait(self, pattern, count=1, seconds=PATIENCE):
        """The matches of `pattern` in what was printed, once there are `count`."""
        end = time.monotonic() + seconds
        while True:
            matches = self.found(pattern)
            if len(matches) >= count:
                return matches
            with self.changed:
                assert self.lines[-1:] != ["(the pipeline has ended)"], "\n".join(self.lines[-20:])
                assert time.monotonic() < end, f"{pattern} did not come:\n" + "\n".join(self.lines[-20:])
                self.changed.wait(0.2)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE)
        self.reader.join()
        return self.process.returncode

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def memory(self):
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def request(self, method, path, body=None, headers=None, url=None):
        return request(url or self.url, method, path, body, headers)

    def post_offer(self, path, offer, headers=None):
        return self.request("POST", path, offer, {"Content-Type": "application/sdp", **(headers or {})})

    def settle(self, measure, most, seconds=PATIENCE):
        """Waits until `measure()` is at most `most`, and returns it."""
        end = time.monotonic() + seconds
        while measure() > most and time.monotonic() < end:
            time.sleep(0.2)
        return measure()


def request(url, method, path, body=None, headers=None, source="127.0.0.1"):
    """One HTTP request on a connection of its own, from `source`: an http.client.HTTPResponse, read, with `.text`."""
    address = urllib.parse.urlsplit(url)
    local = (source, 0) if address.hostname == "127.0.0.1" else None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE, source_address=local)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    response.text = response.read().decode()
    connection.close()
    return response


def recorded_offer(name):
    return (OFFERS / name).read_bytes().decode()  # with its line ends


def sink(before="videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1", more=""):
    return Live(f"{before} ! livewebrtcsink name=sink port=0 {more}")
