# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what, asked of the running server."""
import asyncio
import json
import os
import re
import secrets
import subprocess
import tempfile
import unittest
from pathlib import Path

import aiohttp

from serving import PATIENCE, Client, Server, jpeg, wait_until

TOKEN = "a-token-for-tests-0123456789"


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 300))


def file_in(test, name, text):
    path = Path(test.enterContext(tempfile.TemporaryDirectory())) / name
    path.write_text(text)
    return str(path)


class Security(unittest.TestCase):
    def test_public_address_n(self):
        server = Server(settings={"server.host": "0.0.0.0"})
        server.launch()
        self.assertNotEqual(server.process.wait(PATIENCE), 0)
        self.assertIn("server.host 0.0.0.0 lets others in without a token", server.said())

    def test_token_and_ticket(self):
        with Server(settings={"server.token": TOKEN}) as server:
            server.ready()
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            for path in ("/api/queue", "/api/settings", "/metrics", "/api/openapi.json"):
                self.assertEqual(server.get(path)[0], 401, path)
                self.assertEqual(server.get(f"{path}?token={TOKEN}")[0], 401, "a token in an address ends in logs")
                self.assertEqual(server.get(path, bearer)[0], 200, path)
            self.assertEqual(server.get("/health")[0], 200)

            async def with_tickets():
                status, body, headers = server.get("/ticket", bearer, method="POST")
                self.assertEqual(status, 200)
                ticket = json.loads(body)["ticket"]
                async with aiohttp.ClientSession() as web:
                    address = f"{server.url}/api/ws/one?mode=image"
                    with self.assertRaises(aiohttp.WSServerHandshakeError) as refused:
                        await web.ws_connect(address)
                    self.assertEqual(refused.exception.status, 401)
                    async with web.ws_connect(f"{address}&ticket={ticket}") as ws:
                        self.assertEqual((await ws.receive_json())["status"], "connected")
                    with self.assertRaises(aiohttp.WSServerHandshakeError):
                        await web.ws_connect(f"{server.url}/api/ws/two?mode=image&ticket={ticket}")
                    cookie = headers["Set-Cookie"].split(";")[0]
                    async with web.ws_connect(f"{server.url}/api/ws/two?mode=image", headers={"Cookie": cookie}) as ws:
                        self.assertEqual((await ws.receive_json())["status"], "connected")

            run(with_tickets())

    def test_no_secret_in_a_log(self):
        token_file = file_in(self, "token", TOKEN + "\n")
        wrong = secrets.token_hex(16)
        with Server(settings={"server.token_file": token_file, "logging.level": "DEBUG"}, environment={"GST_DEBUG": "*:6"}) as server:
            server.ready()
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            _, body, headers = server.get("/ticket", bearer, method="POST")
            ticket, cookie = json.loads(body)["ticket"], headers["Set-Cookie"].split(";")[0].split("=")[1]

            async def talk():
                jar = aiohttp.CookieJar(unsafe=True)
                async with aiohttp.ClientSession(cookie_jar=jar) as web:
                    async with web.ws_connect(f"{server.url}/api/ws/me?mode=image&ticket={ticket}") as ws:
                        await ws.receive()
                        await ws.send_str(json.dumps({"status": "next_frame"}))
                        await ws.send_str(json.dumps({"prompt": "a-prompt-nobody-else-reads"}))
                        await ws.send_bytes(jpeg())
                        await asyncio.sleep(0.5)
                    named = [entry.value for entry in jar if entry.key.startswith("liveedit_client_")]
                    self.assertEqual(len(named), 1, "the handshake of a WebSocket names the client")
                    return named[0]

            name = asyncio.run(asyncio.wait_for(talk(), 300))
            server.get("/api/queue", {"Authorization": f"Bearer {wrong}"})
            server.get("/api/queue", {"Cookie": headers["Set-Cookie"].split(";")[0]})
            said = server.said()
            self.assertIn("/api/queue", said, "requests are logged at this level")
            for what, secret in {"token": TOKEN, "wrong token": wrong, "ticket": ticket, "cookie": cookie, "client": name}.items():
                self.assertFalse(secret in said, f"the log has the {what}")
            own = [line for line in said.splitlines() if re.match(r"\d{4}-\d\d-\d\dT", line)]
            self.assertGreater(len(own), 1)
            self.assertFalse(any("a-prompt-nobody-else-reads" in line for line in own), "the server's own log has the prompt")

    def test_a_name_belongs_to_its_first_owner(self):
        with Server() as server:
            server.ready()

            async def two_browsers():
                async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as first, \
                        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as second:
                    for web in (first, second):
                        self.assertEqual((await web.get(server.url + "/")).status, 200)
                    address = f"{server.url}/api/ws/mine?mode=image"
                    async with first.ws_connect(address) as ws:
                        self.assertEqual((await ws.receive_json())["status"], "connected")
                        await self.refused(second, address)
                    # Nobody is connected now, and the session is still its owner's.
                    await self.refused(second, address)
                    async with aiohttp.ClientSession() as program:
                        await self.refused(program, address)
                    async with first.ws_connect(address) as ws:
                        self.assertEqual((await ws.receive_json())["status"], "connected")
                        # Watching is for whoever knows the name.
                        answer = await second.get(f"{server.url}/api/stream/mine")
                        self.assertEqual(answer.status, 200)
                        answer.close()

            run(two_browsers())

    async def refused(self, web, address):
        async with web.ws_connect(address) as ws:
            said = await ws.receive_json()
            self.assertEqual(said, {"status": "error", "message": "This name belongs to somebody else"})
            closed = await ws.receive()
            self.assertEqual((closed.type, closed.data), (aiohttp.WSMsgType.CLOSE, 1008))

    def test_programs_without_cookies_come_back(self):
        with Server() as server:
            server.ready()

            async def twice():
                for _ in range(2):
                    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as web, web.ws_connect(f"{server.url}/api/ws/robot?mode=image") as ws:
                        self.assertEqual((await ws.receive_json())["status"], "connected")

            run(twice())

    def test_origins(self):
        with Server(settings={"cors.allow_origins": "https://one.example"}) as server:
            server.ready()
            self.assertEqual(server.get("/api/queue", {"Origin": "https://one.example"})[2]["Access-Control-Allow-Origin"], "https://one.example")
            self.assertIsNone(server.get("/api/queue", {"Origin": "https://two.example"})[2]["Access-Control-Allow-Origin"])

            async def connect(origin):
                async with aiohttp.ClientSession() as web:
                    async with web.ws_connect(f"{server.url}/api/ws/{origin[8:11]}?mode=image", headers={"Origin": origin}):
                        return 101

            self.assertEqual(asyncio.run(connect("https://one.example")), 101)
            with self.assertRaises(aiohttp.WSServerHandshakeError) as refused:
                asyncio.run(connect("https://two.example"))
            self.assertEqual(refused.exception.status, 403)
            self.assertEqual(server.get("/health", {"Host": "evil.example"})[0], 403, "a name that was made to point here")

    def test_tls(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem",
                        "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
        server = Server(settings={"server.tls_certificate": folder / "certificate.pem", "server.tls_private_key": folder / "key.pem"})
        server.launch()
        try:
            port = int(wait_until(lambda: re.search(r"listening on https://127\.0\.0\.1:(\d+)", server.said()), "the server", server).group(1))
            said = subprocess.run(["curl", "-sk", "-o", "/dev/null", "-D", "-", f"https://127.0.0.1:{port}/"], capture_output=True, text=True, timeout=PATIENCE, check=True)
            self.assertIn("200", said.stdout)
            self.assertRegex(said.stdout, r"(?i)set-cookie: liveedit_client_\d+=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Strict; Secure")
        finally:
            server.__exit__(None)


if __name__ == "__main__":
    unittest.main()
