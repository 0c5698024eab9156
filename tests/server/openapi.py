# SPDX-License-Identifier: LGPL-2.1-or-later
"""The OpenAPI document and the metrics of the running server, read by those who know the formats: schemathesis asks what the document
describes, in ways that fit it and in ways that do not, and every answer must be one that it describes; prometheus_client reads the metrics.
Both skip where they are not installed. LIVEEDIT_API_CASES says how many cases an operation gets, LIVEEDIT_API_SEED where they begin."""
import asyncio
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

from serving import Client, Server, wait_until

CASES = os.environ.get("LIVEEDIT_API_CASES", "100")
SEED = os.environ.get("LIVEEDIT_API_SEED", "1")
# A status that is not described fails, and 500 is described nowhere.
CHECKS = "status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method"


def installed(module):
    return importlib.util.find_spec(module) is not None


@contextlib.contextmanager
def living_session(server):
    """Somebody called "living" sends frames all the time."""
    async def live():
        while not ended.is_set():
            async with Client(server, "living") as client:
                while not ended.is_set() and await client.until("send_frame"):
                    await client.send_frame()
                    await asyncio.sleep(0.1)

    ended = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    try:
        wait_until(lambda: server.get("/api/snapshot/living")[0] == 200, "a picture", server)
        yield
    finally:
        ended.set()
        thread.join()


class Openapi(unittest.TestCase):
    @unittest.skipUnless(installed("schemathesis"), "not installed: schemathesis")
    def test_schemathesis(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        settings = {"limits.requests_per_second": 1000000, "limits.request_burst": 1000000, "limits.requests_per_connection": 1000000,
                    "limits.sessions": 1000, "media.recordings": folder, "model.speech": "text=make+it+snow"}
        with Server(settings=settings) as server, living_session(server.ready()):
            command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/openapi.json", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing",
                       "--mode", "all", "--max-examples", CASES, "--seed", SEED, "--workers", "1", "--request-timeout", "30", "--suppress-health-check", "all",
                       # These answer for ever, or not by HTTP.
                       "--exclude-path-regex", "^/(api/stream|api/ws|ws|data)/"]
            # Its examples stay out of the sources.
            answers = Path(folder) / "answers.json"
            environment = {**os.environ, "SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": os.pathsep.join(sys.path), "LIVEEDIT_API_ANSWERS": str(answers),
                           "LIVEEDIT_API_SERVER": server.url}
            done = subprocess.run(command, capture_output=True, text=True, cwd=self.enterContext(tempfile.TemporaryDirectory()), env=environment, timeout=3000)
            print("\n".join(done.stdout.splitlines()[-25:]))
            counted = json.loads(answers.read_text())
            for operation, statuses in counted.items():
                print(f"{operation}: " + ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))
            self.assertEqual(done.returncode, 0, done.stdout[-8000:] + done.stderr[-2000:])
            self.assertEqual(server.get("/health")[0], 200)
            self.assertEqual(server.metric("liveedit_worker_restarts_total"), 0)
            self.assert_reached(server.json("/api/openapi.json"), counted)

    def assert_reached(self, document, counted):
        """Cases that all end at the first check would prove nothing: each operation has done what it is for."""
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                statuses = counted.get(f"{method.upper()} {path}")
                successes = [status for status in operation["responses"] if status.startswith("2")]
                if statuses is not None and successes:
                    self.assertTrue(set(successes) & set(statuses), f"{method} {path} was never done: {statuses}")

    def test_document(self):
        with Server() as server:
            status, body, headers = server.get("/api/openapi.json")
            self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
            document = json.loads(body)
            self.assertEqual(document["openapi"], "3.1.0")
            references = [reference for reference in self.references(document)]
            self.assertGreater(len(references), 20)
            for reference in references:
                place = document
                for name in reference.removeprefix("#/").split("/"):
                    self.assertIn(name, place, reference)
                    place = place[name]
            names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
            self.assertEqual(len(names), len(set(names)))

    def references(self, value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for inner in value.values():
                yield from self.references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self.references(inner)


@unittest.skipUnless(installed("prometheus_client"), "not installed: prometheus_client")
class Metrics(unittest.TestCase):
    def families(self, server):
        from prometheus_client.parser import text_string_to_metric_families
        status, body, headers = server.get("/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        return {family.name: family for family in text_string_to_metric_families(body.decode())}

    def value(self, families, name):
        (sample,) = families[name].samples
        return sample.value

    def test_metrics(self):
        with Server(settings={"limits.session_idle_seconds": 0}) as server:
            server.ready()
            before = self.families(server)
            self.assertEqual(self.value(before, "liveedit_ready"), 1)
            self.assertEqual(self.value(before, "liveedit_frames_edited"), 0)
            self.assertEqual(self.value(before, "liveedit_worker_restarts"), 0)

            def settled(count):
                # Depth one: the last frame may still be inside. The rate is that of some seconds, counted at their end.
                now = self.families(server)
                fates = ("liveedit_frames_edited", "liveedit_frames_replaced", "liveedit_frames_lost")
                return now if sum(self.value(now, fate) for fate in fates) == count and self.value(now, "liveedit_frames_per_second") > 0 else None

            async def frames(count):
                async with Client(server) as client:
                    for _ in range(count):
                        await client.until("send_frame")
                        await client.send_frame()
                    await client.until("send_frame")
                    return await asyncio.to_thread(wait_until, lambda: settled(count), "the last frame and a rate", server)

            during = asyncio.run(asyncio.wait_for(frames(8), 300))
            self.assertEqual(self.value(during, "liveedit_sessions_connected"), 1)
            self.assertEqual(self.value(during, "liveedit_frames_received"), 8)
            edited = self.value(during, "liveedit_frames_edited")
            samples = during["liveedit_frame_latency_seconds"].samples
            buckets = [sample.value for sample in samples if sample.name.endswith("_bucket")]
            self.assertEqual(buckets, sorted(buckets), "each step counts those below")
            self.assertEqual(buckets[-1], edited)
            self.assertEqual([sample.value for sample in samples if sample.name.endswith("_count")], [edited])
            self.assertGreater([sample.value for sample in samples if sample.name.endswith("_sum")][0], 0)
            # The session goes, and what it counted stays.
            wait_until(lambda: self.value(self.families(server), "liveedit_sessions") == 0, "an end of the session", server)
            self.assertEqual(self.value(self.families(server), "liveedit_frames_received"), 8)
            os.kill(server.worker(), 9)
            wait_until(lambda: self.value(self.families(server), "liveedit_worker_restarts") == 1, "a new worker", server)

    def test_held_frames(self):
        # Of each stream the second frame is not fit to be shown; the one that the server keeps has several.
        with Server(model="frame-ms=2,held=1") as server:
            server.ready()
            wait_until(lambda: self.value(self.families(server), "liveedit_frames_held") == 1, "a frame held back", server)


if __name__ == "__main__":
    unittest.main()
