# SPDX-License-Identifier: LGPL-2.1-or-later
"""liveedit-server in a process of its own, and a client that speaks as the front-ends of this protocol do."""
import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image

try:
    import aiohttp
except ImportError:
    raise unittest.SkipTest("not installed: aiohttp (scripts/setup --tests installs it)") from None

BUILD = Path(os.environ["LIVEEDIT_BUILD_DIR"])
ROOT = Path(__file__).resolve().parents[2]
# Edits by inverting the picture, and takes as long as the model's name asks for (tests/elements/core_double).
DOUBLE = BUILD / "tests/elements/core_double/libliveedit-core.so"
# For what comes in a moment on an idle machine, and is only late on a busy one: none of these waits is a statement about speed.
PATIENCE = 60
# Settings, for pictures whose size is not asked about.
SQUARE = {"pipeline.width": 256, "pipeline.height": 256}


class Server:
    """`model`: what is asked of the double; None: the real core with the embedded model. `settings`: {"section.key": value}."""

    def __init__(self, model="frame-ms=2", settings=None, environment=None, arguments=()):
        wanted = {"server.port": 0, "pipeline.width": 64, "pipeline.height": 64, "worker.backoff_min_seconds": 0.05}
        if model is not None:
            wanted["model.model_id"] = model
        wanted.update(settings or {})
        self.environment = {**os.environ, "GST_PLUGIN_PATH": str(BUILD / "gst-plugins"), "GST_REGISTRY_FORK": "no", **(environment or {})}
        if model is not None:
            self.environment["LIVEEDIT_CORE_PATH"] = str(DOUBLE)
        self.command = [str(BUILD / "server/liveedit-server"), *arguments, *(f"--set={key}={value}" for key, value in wanted.items())]
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = None

    def launch(self):
        self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        self.launch()
        try:
            self.port = int(wait_until(lambda: re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.said()), "the server", self).group(1))
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, kind, *unused):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end:\n{self.said()}") from None
        said = self.said()
        self.log.close()
        if kind is None and code != 0:
            raise AssertionError(f"the server ended with {code}:\n{said[-3000:]}")
        # What GLib and GStreamer find wrong with how they are used.
        faults = [line for line in said.splitlines() if "CRITICAL **" in line or "WARNING **" in line]
        if kind is None and faults:
            raise AssertionError("\n".join(faults))

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def ready(self, seconds=PATIENCE):
        wait_until(lambda: self.get("/health")[0] == 200, "a loaded model", self, seconds)
        return self

    def get(self, path, headers=None, method="GET"):
        """(status, body, headers)."""
        request = urllib.request.Request(self.url + path, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers

    def json(self, path):
        return json.loads(self.get(path)[1])

    def metric(self, name):
        return float(re.search(rf"^{name} (\S+)$", self.get("/metrics")[1].decode(), re.MULTILINE).group(1))

    def worker(self):
        """The worker's process id."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            children += (task / "children").read_text().split()
        return int(children[0]) if children else None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))


def wait_until(condition, what, server=None, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end or (server and server.process.poll() is not None):
            raise AssertionError(f"{what} did not come to be within {seconds} s:\n{server.said() if server else ''}")
        time.sleep(0.03)
    return value


def vanish(server, count):
    """As many clients connect, and are reset, as of machines that are switched off and on again."""
    sockets = []
    for i in range(count):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(f"GET /api/ws/u{i} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        sockets.append(client)
    wait_until(lambda: server.metric("liveedit_sessions_connected") == count, f"{count} clients", server)
    for client in sockets:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()


def jpeg(width=64, height=64, colour=(200, 40, 90), quality=95):
    """A picture in one colour: the double inverts it."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "JPEG", quality=quality)
    return file.getvalue()


def pixels(file):
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)


class Client:
    """One user. `mode`: what stands in the address; None: nothing, as system 001's page does."""

    def __init__(self, server, user="user123", mode="image", **options):
        self.server, self.user, self.options = server, user, options
        self.address = f"{server.url}/api/ws/{user}" + (f"?mode={mode}" if mode else "")
        self.heard = []
        self.close_code = None  # what the server said as its goodbye

    def make_http(self):
        return aiohttp.ClientSession()

    async def __aenter__(self):
        self.http = self.make_http()
        try:
            self.socket = await self.http.ws_connect(self.address, **self.options)
        except BaseException:
            await self.http.close()
            raise
        return self

    async def __aexit__(self, *unused):
        await self.socket.close()
        await self.http.close()

    async def hear(self, seconds=PATIENCE):
        """The next message, or None at the end."""
        message = await asyncio.wait_for(self.socket.receive(), seconds)
        if message.type == aiohttp.WSMsgType.CLOSE:
            self.close_code = message.data  # the socket's own is 1006 where it cannot answer, as nobody listens any more
        if message.type != aiohttp.WSMsgType.TEXT:
            return None
        self.heard.append(json.loads(message.data))
        return self.heard[-1]

    async def until(self, status, seconds=PATIENCE):
        """Passes over other messages; {} at the end of the connection."""
        end = time.monotonic() + seconds
        while message := await self.hear(max(0.01, end - time.monotonic())):
            if message["status"] == status:
                return message
        return {}

    async def say(self, message):
        await self.socket.send_str(json.dumps(message))

    async def send_frame(self, parameters=None, picture=None):
        await self.say({"status": "next_frame"})
        await self.say(parameters if parameters is not None else {"prompt": "sepia"})
        await self.socket.send_bytes(jpeg() if picture is None else picture)

    async def watch(self, query=""):
        """A viewer of this user's pictures."""
        answer = await self.http.get(f"{self.server.url}/api/stream/{self.user}{query}", timeout=aiohttp.ClientTimeout(total=None))
        assert answer.status == 200, f"{answer.status}: {await answer.text()}"
        return Viewer(answer)


class Viewer:
    def __init__(self, answer):
        self.answer = answer
        self.type = answer.headers["Content-Type"]

    async def picture(self, seconds=PATIENCE):
        """The next JPEG; its closing boundary has come with it."""
        return await asyncio.wait_for(self.read(), seconds)

    async def read(self):
        length = 0
        content = self.answer.content
        line = await content.readline()
        while line == b"--frame\r\n":
            line = await content.readline()
        while line not in (b"\r\n", b""):
            name, value = line.split(b": ")
            length = int(value) if name == b"Content-Length" else length
            line = await content.readline()
        picture = await content.readexactly(length)
        assert await content.readline() == b"\r\n"
        assert await content.readline() == b"--frame\r\n"
        return picture
