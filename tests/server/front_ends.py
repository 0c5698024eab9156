# SPDX-License-Identifier: LGPL-2.1-or-later
"""The interfaces of systems 003 and 001, spoken as their own front-ends speak them."""
import asyncio
import json
import unittest

import numpy as np

from serving import PATIENCE, Client, Server, jpeg, pixels, wait_until

INVERTED = (55, 215, 165)  # of jpeg()'s colour


class FrontEnds(unittest.IsolatedAsyncioTestCase):
    def assert_inverted(self, file, size=(64, 64)):
        picture = pixels(file)
        self.assertEqual(size, (picture.shape[1], picture.shape[0]))
        middle = picture[8:-8, 8:-8].reshape(-1, 3)
        self.assertLess(np.abs(middle - INVERTED).max(), 12, f"{middle.mean(axis=0)} is not the edited picture")

    async def test_system_003(self):
        """connected, send_frame, and for each frame: next_frame, parameters, picture, send_frame."""
        with Server() as server:
            server.ready()
            async with Client(server) as client:
                self.assertEqual("connected", (await client.hear())["status"])
                self.assertEqual("send_frame", (await client.hear())["status"])
                viewer = await client.watch("?quality=90&max_fps=30")
                self.assertEqual("multipart/x-mixed-replace;boundary=frame", viewer.type)
                self.assertEqual("no-cache, no-store, no-transform", viewer.answer.headers["Cache-Control"])
                for prompt in ("sepia", "oil painting", ""):
                    await client.send_frame({"prompt": prompt, "guidance_scale": 7.5, "num_inference_steps": 4})
                    self.assert_inverted(await viewer.picture())
                    self.assertEqual("send_frame", (await client.hear())["status"])
                await client.send_frame({})  # no prompt: the last one stays
                self.assert_inverted(await viewer.picture())

    async def test_system_001(self):
        """connected, wait, send_frame; a page that has no picture yet sends an empty one; modes are switched at any time."""
        with Server(settings={"model.matte": "m"}) as server:
            server.ready()
            async with Client(server, "5cc0bb6c-9d1c-4c5c-8f5c-0e2b4f1f7f00", mode=None) as client:
                for status in ("connected", "wait", "send_frame"):
                    self.assertEqual(status, (await client.hear())["status"])
                await client.say({"mode": "full"})
                self.assertEqual({"status": "mode_changed", "mode": "full"}, await client.hear())
                parameters = {"prompt": "a wizard", "width": 512, "height": 512, "ip_adapter_scale": 1.0, "mode": "full"}
                await client.send_frame(parameters, picture=b"")
                self.assertEqual("send_frame", (await client.hear())["status"])
                viewer = await client.watch()
                await client.send_frame(parameters)
                self.assert_inverted(await viewer.picture())
                await client.until("send_frame")
                await client.say({"mode": "human"})
                self.assertEqual("human", (await client.until("mode_changed"))["mode"])
                await client.send_frame(parameters)
                picture = pixels(await viewer.picture())
                # The double's matte is the picture's red, so the edit is mixed with what was there by it.
                self.assertGreater(np.abs(picture[8:-8, 8:-8] - (200, 40, 90)).mean(), 20)
                await client.say({"mode": "upside down"})
                self.assertIn("full", (await client.until("error"))["message"])
                self.assertEqual("full", (await self.reconnect(client, server))["mode"])

    async def reconnect(self, client, server):
        """The same user again: the session is found, and is in mode full."""
        await client.socket.close()
        async with Client(server, client.user) as again:
            await again.until("send_frame")
            viewer = await again.watch()
            await again.send_frame()
            self.assert_inverted(await viewer.picture())
            await again.say({"mode": "full"})
            return await again.until("mode_changed")

    async def test_settings_queue_health(self):
        with Server(settings={"server.max_queue_size": 7}) as server:
            server.ready()
            settings = server.json("/api/settings")
            properties = settings["input_params"]["properties"]
            self.assertEqual(["", "Prompt", "string", "textarea", "prompt"],
                             [properties["prompt"][key] for key in ("default", "title", "type", "field", "id")])
            guidance = properties["guidance_scale"]
            self.assertEqual([1, 20, "number", "range"], [guidance[key] for key in ("min", "max", "type", "field")])
            self.assertEqual([1, 50], [properties["num_inference_steps"][key] for key in ("min", "max")])
            self.assertEqual([64, True], [properties["width"][key] for key in ("default", "hide")])
            self.assertEqual("image", settings["info"]["properties"]["input_mode"]["default"])
            self.assertEqual("gst-liveedit", settings["info"]["properties"]["title"])
            self.assertEqual(7, settings["max_queue_size"])
            self.assertIn("page_content", settings)
            # Every live property of the element is there, and nothing that belongs to the pipeline.
            self.assertLessEqual({"negative_prompt", "strength", "seed", "t_index_list", "cfg_type", "delta", "enabled"}, set(properties))
            self.assertFalse({"region", "wait_text", "model", "device"} & set(properties))
            self.assertEqual(["none", "full", "self", "initialize"], properties["cfg_type"]["values"])

            self.assertEqual({"queue_size": 0, "waiting": 0}, server.json("/api/queue"))
            async with Client(server, "a") as first, Client(server, "b") as second:
                await first.until("send_frame")
                await second.until("send_frame")
                self.assertEqual({"queue_size": 2, "waiting": 0}, server.json("/api/queue"))
            self.assertEqual({"status": "healthy", "settings_initialized": True, "session_manager_initialized": True},
                             server.json("/api/health"))
            health = server.json("/health")
            self.assertEqual(["ok", True, "N/A", "up"], [health[key] for key in ("status", "model_loaded", "gpu_memory", "worker")])

    async def test_streams_n(self):
        with Server(settings={"limits.viewers_per_session": 2}) as server:
            server.ready()
            self.assertEqual(404, server.get("/api/stream/nobody")[0])
            async with Client(server) as client:
                await client.until("send_frame")
                for query in ("quality=0", "quality=101", "quality=1.5", "quality=x", "quality=", "max_fps=241", "max_fps=nan", "max_fps=%20"):
                    self.assertEqual(422, server.get(f"/api/stream/user123?{query}")[0], query)
                viewers = [await client.watch("?quality=1&max_fps=0"), await client.watch("?quality=100&max_fps=-1")]
                status, body, headers = server.get("/api/stream/user123")
                self.assertEqual((503, "5"), (status, headers["Retry-After"]), body)
                await client.send_frame()
                sizes = [len(await viewer.picture()) for viewer in viewers]
                self.assertLess(sizes[0], sizes[1])
                self.assertEqual(405, server.get("/api/stream/user123", method="DELETE")[0])
                self.assertEqual(426, server.get("/api/ws/user123")[0])

    async def test_the_newest_frame_wins(self):
        """Frames that nobody asked for replace each other; the last of them is edited."""
        with Server(model="frame-ms=200", settings={"performance.frames_in_flight": 1}) as server:
            server.ready()
            async with Client(server) as client:
                viewer = await client.watch("?quality=95&max_fps=0")
                for i in range(30):
                    await client.send_frame(picture=jpeg(colour=(i, i, i)))
                seen = 0
                while seen != 29:
                    seen = 255 - int(pixels(await viewer.picture())[32, 32].mean().round())
                    seen = 29 if abs(seen - 29) <= 1 else seen
                edited, replaced = server.metric("liveedit_frames_edited_total"), server.metric("liveedit_frames_replaced_total")
                self.assertEqual(30, edited + replaced)
                self.assertGreater(replaced, 10)

    async def test_shapes_are_kept(self):
        with Server(settings={"pipeline.width": 128, "pipeline.height": 96}) as server:
            server.ready()
            async with Client(server) as client:
                viewer = await client.watch()
                for size, shown in {(128, 96): (128, 96), (640, 480): (128, 96), (300, 900): (32, 96), (60, 40): (60, 40),
                                    (901, 301): (128, 42), (17, 16): (16, 16)}.items():
                    await client.send_frame(picture=jpeg(*size))
                    self.assertEqual(shown, pixels(await viewer.picture()).shape[1::-1], (size, client.heard))

    async def test_wrong_order_n(self):
        """Whatever is not the next of the three messages ends the connection with 1008, and nothing else."""
        frame, parameters, picture = json.dumps({"status": "next_frame"}), json.dumps({"prompt": "x"}), jpeg()
        wrong = [[parameters], [picture], [frame, picture], [frame, parameters, parameters], [frame, parameters, frame],
                 [frame, parameters, picture, picture], [frame, parameters, picture, parameters], [json.dumps({"status": "wait"})],
                 [json.dumps({"status": 7})], [json.dumps({})]]
        with Server() as server:
            server.ready()
            for messages in wrong:
                with self.subTest(messages=[str(message)[:30] for message in messages]):
                    async with Client(server) as client:
                        for message in messages:
                            await (client.socket.send_bytes(message) if isinstance(message, bytes) else client.socket.send_str(message))
                        self.assertTrue((await client.until("error"))["message"])
                        self.assertIsNone(await client.hear())
                        self.assertEqual(1008, client.close_code)

    async def test_wrong_content_n(self):
        """What is only wrong in itself is told, and the next frame is asked for."""
        huge = jpeg(4097, 16)
        cut = jpeg(512, 512, quality=95)
        with Server(settings={"limits.image_bytes": 20000, "limits.text_bytes": 10}) as server:
            server.ready()
            async with Client(server) as client:
                viewer = await client.watch()
                await client.until("send_frame")
                cases = [({"prompt": 5}, jpeg(), "prompt"), ({"guidance_scale": 21}, jpeg(), "guidance_scale"),
                         ({"guidance_scale": "7"}, jpeg(), "guidance_scale"), ({"num_inference_steps": 1.5}, jpeg(), "num_inference_steps"),
                         ({"num_inference_steps": 51}, jpeg(), "num_inference_steps"), ({"strength": -0.5}, jpeg(), "strength"),
                         ({"seed": 1e300}, jpeg(), "seed"), ({"cfg_type": "both"}, jpeg(), "cfg_type"), ({"enabled": 1}, jpeg(), "enabled"),
                         ({"prompt": "x" * 11}, jpeg(), "prompt"), ([1], jpeg(), "JSON object"), ({}, b"GIF89a" + bytes(100), "JPEG"),
                         ({}, b"\xff\xd8\xff", "JPEG"), ({}, jpeg()[:20], "JPEG"), ({}, huge, "4096"), ({}, jpeg(15, 64), "16"),
                         ({}, jpeg() + bytes(20001 - len(jpeg())), "20000")]
                for parameters, picture, word in cases:
                    with self.subTest(parameters=parameters, picture=picture[:8], size=len(picture)):
                        await client.send_frame(parameters, picture)
                        self.assertIn(word, (await client.until("error"))["message"])
                for good in [jpeg() + bytes(20000 - len(jpeg())), jpeg(4096, 16), jpeg(16, 16)]:
                    await client.send_frame({"prompt": "x" * 10}, good)
                    await viewer.picture()
                for text in ("{", "[]", "7", "\"next_frame\"", json.dumps({"mode": 5}), "[" * 60000):
                    await client.socket.send_str(text)
                    self.assertTrue((await client.until("error"))["message"])
                await client.send_frame({}, cut[:10000])  # the rest of the picture is missing: what there is is edited
                self.assertEqual((64, 64), pixels(await viewer.picture()).shape[:2])

    async def test_who_may_come_n(self):
        with Server(settings={"server.max_queue_size": 2}) as server:
            server.ready()
            for user in ("a.b", "x" * 65, "a/b"):
                async with Client(server, user) as client:
                    self.assertIn("user", (await client.until("error"))["message"])
                    self.assertIsNone(await client.hear())
            async with Client(server, "a") as first, Client(server, "b") as second:
                await first.until("send_frame")
                await second.until("send_frame")
                async with Client(server, "a") as twice:
                    self.assertIn("already", (await twice.until("error"))["message"])
                    self.assertIsNone(await twice.hear())
                    self.assertEqual(1008, twice.close_code)
                async with Client(server, "c") as third:
                    self.assertEqual({"status": "error", "message": "Server is full"}, await third.hear())
                    self.assertIsNone(await third.hear())
                    self.assertEqual(1013, third.close_code)
                await first.send_frame()
                self.assertTrue(await first.until("send_frame"))  # who was there notices nothing
            wait_until(lambda: server.json("/api/queue")["queue_size"] == 0, "two goodbyes", server)
            async with Client(server, "c") as third:
                self.assertTrue(await third.until("send_frame"))
            async with Client(server, "v", mode="sound") as sound:
                self.assertIn("mode=image", (await sound.until("error"))["message"])

    async def test_timeout(self):
        with Server(settings={"server.timeout": 1}) as server:
            server.ready()
            async with Client(server) as client:
                self.assertEqual("Your session has ended", (await client.until("timeout"))["message"])
                self.assertIsNone(await client.hear())
                self.assertEqual(1000, client.close_code)

    async def test_sessions_are_forgotten(self):
        with Server(settings={"limits.session_idle_seconds": 5}) as server:
            server.ready()
            async with Client(server) as client:
                await client.until("send_frame")
                viewer = await client.watch()
                await client.socket.close()
                self.assertEqual(1, server.metric("liveedit_sessions"))
                await asyncio.wait_for(viewer.answer.content.read(), PATIENCE)  # to its end
                self.assertEqual(0, server.metric("liveedit_sessions"))
            self.assertEqual(404, server.get("/api/stream/user123")[0])

