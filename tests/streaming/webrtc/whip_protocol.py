# SPDX-License-Identifier: LGPL-2.1-or-later
"""The HTTP side of livewebrtcsrc against RFC 9725, where it differs from livewebrtcsink's."""
import sys
import unittest

import live

OFFER = live.recorded_offer("chromium-publisher.sdp")
SOURCE = "livewebrtcsrc name=source port=0"


class Whip(unittest.TestCase):
    def setUp(self):
        self.live = live.Live(f"{SOURCE} source.video ! fakesink source.audio ! fakesink")
        self.addCleanup(self.live.stop)

    def test_a_publisher_is_answered_recvonly(self):
        reply = self.live.post_offer("/whip", OFFER)
        self.assertEqual(reply.status, 201, reply.text)
        self.assertRegex(reply.headers["Location"], r"^/whip/[0-9a-f]{32}$")
        self.assertEqual(reply.text.count("a=recvonly"), 2)
        self.assertNotIn("a=inactive", reply.text)

    def test_one_publishes_at_a_time(self):
        first = self.live.post_offer("/whip", OFFER)
        second = self.live.post_offer("/whip", OFFER)
        self.assertEqual((first.status, second.status), (201, 503))
        self.assertIn("publishing", second.text)
        self.assertGreater(int(second.headers["Retry-After"]), 0)
        self.live.request("DELETE", first.headers["Location"])
        self.assertEqual(self.live.post_offer("/whip", OFFER).status, 201)

    def test_never_a_part_of_an_offer(self):
        for offer in (OFFER.replace("a=sendonly", "a=recvonly"), OFFER.replace("a=sendonly", "a=inactive"),
                      OFFER.replace("opus/48000", "speex/48000"), OFFER.replace("VP8", "XYZ").replace("H264", "XYZ")):
            self.assertEqual(self.live.post_offer("/whip", offer).status, 422)
        self.assertEqual(self.live.post_offer("/whip", OFFER.replace("a=sendonly", "a=sendrecv")).status, 201)

    def test_a_viewer_is_not_a_publisher(self):
        self.assertEqual(self.live.post_offer("/whip", live.recorded_offer("chromium-viewer.sdp")).status, 422)

    def test_there_is_no_whep_here(self):
        self.assertEqual(self.live.post_offer("/whep", OFFER).status, 404)

    def test_the_page(self):
        reply = self.live.request("GET", "/")
        self.assertIn("publisher.js", reply.text)
        for path in ("/publisher.js", "/signalling.js", "/live.css"):
            self.assertEqual(self.live.request("GET", path).status, 200)


class Fixed(unittest.TestCase):
    # Without any publisher the pads are there, black and silent.
    def test_pads_from_the_start(self):
        line = (f"{SOURCE} video-caps=video/x-raw,width=64,height=48,framerate=20/1 audio-caps=audio/x-raw,rate=16000,channels=1 "
                "source.video ! identity eos-after=20 ! fakesink name=v sync=true "
                "source.audio ! identity eos-after=50 ! level ! fakesink sync=true")
        with live.Live(line) as s:
            s.wait(r'message #\d+ from element "pipeline0" \(eos\)')
            self.assertTrue(s.found(r"GstFakeSink:v.GstPad:sink: caps = video/x-raw.*width=\(int\)64, height=\(int\)48"))
            self.assertTrue(s.found(r"caps = audio/x-raw.*rate=\(int\)16000"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
