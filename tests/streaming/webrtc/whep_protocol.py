# SPDX-License-Identifier: LGPL-2.1-or-later
"""The HTTP side of livewebrtcsink against draft-ietf-wish-whep-03 and RFC 9725, case by case."""
import json
import re
import sys
import time
import unittest

import live

OFFER = live.recorded_offer("chromium-viewer.sdp")
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"
UFRAG = re.search(r"^a=ice-ufrag:(\S+)", OFFER, re.M).group(1)
PWD = re.search(r"^a=ice-pwd:(\S+)", OFFER, re.M).group(1)


def fragment(candidate, ufrag=UFRAG, pwd=PWD):
    return f"a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:{candidate}\r\n"


IP_CANDIDATE = "1 1 udp 2122260223 127.0.0.1 61764 typ host generation 0"


class Whep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.live = live.sink()
        cls.live.wait("async-done")

    @classmethod
    def tearDownClass(cls):
        assert cls.live.stop() == 0

    def open(self):
        reply = self.live.post_offer("/whep", OFFER)
        self.assertEqual(reply.status, 201, reply.text)
        self.addCleanup(lambda: self.live.request("DELETE", reply.headers["Location"]))
        return reply

    def patch(self, session, body, kind=FRAGMENT_TYPE, **headers):
        return self.live.request("PATCH", session.headers["Location"], body,
                                 {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}})

    def assert_problem(self, reply, status):
        self.assertEqual(reply.status, status, reply.text)
        self.assertEqual(reply.headers["Content-Type"], "application/problem+json")
        self.assertGreater(len(json.loads(reply.text)["detail"]), 10)

    def test_an_offer_makes_a_session(self):
        reply = self.open()
        self.assertEqual(reply.headers["Content-Type"], "application/sdp")
        self.assertRegex(reply.headers["Location"], r"^/whep/[0-9a-f]{32}$")
        self.assertRegex(reply.headers["ETag"], r'^"[0-9a-f]+"$')
        for line in ("a=sendonly", "a=rtcp-mux-only", "a=setup:active", "a=msid:", "a=candidate:", "a=group:BUNDLE 0 1"):
            self.assertIn(line, reply.text)
        self.assertEqual(len(re.findall("^m=", reply.text, re.M)), 2)
        for text in (".local", "fe80::", " TCP ", "sendrecv", "recvonly"):
            self.assertNotIn(text, reply.text)

    def test_sessions_have_different_names(self):
        self.assertNotEqual(self.open().headers["Location"], self.open().headers["Location"])

    def test_parameters_of_the_type_and_line_feeds_are_taken(self):
        reply = self.live.post_offer("/whep", OFFER.replace("\r\n", "\n"), {"Content-Type": "application/sdp; charset=utf-8"})
        self.assertEqual(reply.status, 201)
        self.assertEqual(self.live.request("DELETE", reply.headers["Location"]).status, 200)

    def test_another_media_type(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"):
            self.assert_problem(self.live.post_offer("/whep", OFFER, {"Content-Type": kind}), 415)
        reply = self.live.request("POST", "/whep", OFFER)
        self.assert_problem(reply, 415)
        self.assertEqual(reply.headers["Accept-Post"], "application/sdp")

    def test_what_is_no_offer(self):
        for offer in ("hello", "v=0\r\n", OFFER.replace("a=mid:0\r\n", ""), OFFER.replace("a=fingerprint", "a=finger"),
                      OFFER.replace("a=ice-ufrag", "a=ufrag")):
            self.assert_problem(self.live.post_offer("/whep", offer), 400)

    def test_offers_that_cannot_be_served(self):
        for offer in (OFFER.replace("a=recvonly", "a=sendonly"), OFFER.replace("a=recvonly", "a=inactive"),
                      OFFER.replace("VP8", "XYZ").replace("H264", "XYZ"),
                      OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), OFFER.replace("a=rtcp-mux\r\n", "")):
            self.assert_problem(self.live.post_offer("/whep", offer), 422)

    def test_sendrecv_is_answered_sendonly(self):
        reply = self.live.post_offer("/whep", OFFER.replace("a=recvonly", "a=sendrecv"))
        self.assertEqual(reply.status, 201, reply.text)
        self.assertIn("a=sendonly", reply.text)
        self.live.request("DELETE", reply.headers["Location"])

    def test_too_long_an_offer(self):
        self.assertEqual(self.live.post_offer("/whep", OFFER + "a=x\r\n" * 20000).status, 413)

    def test_trickled_candidates(self):
        session = self.open()
        for if_match in (session.headers["ETag"], session.headers["ETag"].strip('"')):
            reply = self.patch(session, fragment(IP_CANDIDATE), If_Match=if_match)
            self.assertEqual((reply.status, reply.text, reply.headers["ETag"]), (204, "", None))

    def test_candidates_that_cannot_be_used_are_dropped(self):
        session = self.open()
        for candidate in ("1 1 udp 2113937151 f2c53e4e-aec7-4437-94e4-dfc148a289ce.local 54628 typ host",
                          "1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active", "1 1 udp 1 example.org 9 typ host"):
            self.assertEqual(self.patch(session, fragment(candidate), If_Match=session.headers["ETag"]).status, 204)

    def test_a_patch_without_or_with_another_etag(self):
        session = self.open()
        self.assert_problem(self.patch(session, fragment(IP_CANDIDATE)), 428)
        self.assert_problem(self.patch(session, fragment(IP_CANDIDATE), If_Match='"other"'), 412)

    def test_an_ice_restart(self):
        session = self.open()
        restart = fragment(IP_CANDIDATE, "newufrag", "newpasswordnewpassword")
        old = dict(re.findall(r"^a=(ice-\w+):(\S+)", session.text, re.M))
        reply = self.patch(session, restart, If_Match="*")
        self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, FRAGMENT_TYPE))
        new = dict(re.findall(r"^a=(ice-\w+):(\S+)", reply.text, re.M))
        self.assertEqual(set(new), {"ice-ufrag", "ice-pwd"})
        self.assertNotEqual(new["ice-ufrag"], old["ice-ufrag"])
        self.assertNotEqual(new["ice-pwd"], old["ice-pwd"])
        candidates = re.findall(r"^a=candidate:.*$", session.text, re.M)
        self.assertEqual(re.findall(r"^a=candidate:.*$", reply.text, re.M), candidates)
        self.assertGreater(len(candidates), 0)
        self.assertIn("a=mid:0", reply.text)
        # The state has another name from here on, and the credentials of before belong to nothing.
        self.assertRegex(reply.headers["ETag"], r'^"[0-9a-f]+"$')
        self.assertNotEqual(reply.headers["ETag"], session.headers["ETag"])
        self.assert_problem(self.patch(session, restart, If_Match=session.headers["ETag"]), 412)
        self.assertEqual(self.patch(session, restart, If_Match=reply.headers["ETag"]).status, 204)
        self.assert_problem(self.patch(session, restart, If_Match="*"), 422)
        again = self.patch(session, fragment(IP_CANDIDATE, "again", "oncemoreoncemoreoncemore"), If_Match=reply.headers["ETag"])
        self.assertEqual(again.status, 200)
        self.assertNotEqual(again.headers["ETag"], reply.headers["ETag"])

    def test_an_ice_restart_of_a_session_that_is_gone(self):
        session = self.live.post_offer("/whep", OFFER)
        self.live.request("DELETE", session.headers["Location"])
        self.assert_problem(self.patch(session, fragment(IP_CANDIDATE, "newufrag", "newpasswordnewpassword"), If_Match="*"), 404)

    def test_a_patch_that_is_no_fragment(self):
        session = self.open()
        etag = session.headers["ETag"]
        self.assert_problem(self.patch(session, OFFER, "application/sdp", If_Match=etag), 415)
        self.assert_problem(self.patch(session, "garbage", If_Match=etag), 400)
        self.assert_problem(self.patch(session, "", If_Match=etag), 400)
        self.assertEqual(self.patch(session, "a=x\r\n" * 4000, If_Match=etag).status, 413)

    def test_delete_ends_it(self):
        session = self.live.post_offer("/whep", OFFER).headers["Location"]
        self.assertEqual(self.live.request("DELETE", session, headers={"If-Match": '"other"'}).status, 200)
        for method in ("DELETE", "GET", "PATCH"):
            self.assertEqual(self.live.request(method, session, "x", {"Content-Type": FRAGMENT_TYPE}).status, 404, method)

    def test_get_and_head(self):
        session = self.open()
        for path in ("/whep", session.headers["Location"]):
            reply = self.live.request("GET", path)
            self.assertEqual((reply.status, reply.text), (204, ""))
        reply = self.live.request("HEAD", "/whep")
        self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "application/sdp"))

    def test_options(self):
        session = self.open()
        reply = self.live.request("OPTIONS", "/whep", headers={"Origin": "http://localhost:9"})
        self.assertEqual((reply.status, reply.headers["Accept-Post"]), (200, "application/sdp"))
        for method in ("POST", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS"):
            self.assertIn(method, reply.headers["Access-Control-Allow-Methods"])
        for header in ("Authorization", "Content-Type", "If-Match"):
            self.assertIn(header, reply.headers["Access-Control-Allow-Headers"])
        reply = self.live.request("OPTIONS", session.headers["Location"])
        self.assertEqual((reply.status, reply.headers["Accept-Patch"]), (200, FRAGMENT_TYPE))

    def test_pages_of_this_machine_may_read_the_headers(self):
        reply = self.live.post_offer("/whep", OFFER, {"Origin": "http://localhost:9"})
        self.assertEqual(reply.headers["Access-Control-Allow-Origin"], "http://localhost:9")
        for header in ("Location", "ETag", "Link"):
            self.assertIn(header, reply.headers["Access-Control-Expose-Headers"])
        self.live.request("DELETE", reply.headers["Location"])

    # go2rtc's CVE-2024-29191 to -29193: a form of a foreign page must not get through.
    def test_pages_of_elsewhere_may_not(self):
        self.assertEqual(self.live.post_offer("/whep", OFFER, {"Origin": "https://evil.example"}).status, 403)

    def test_other_methods(self):
        self.assertEqual(self.live.request("PUT", "/whep", OFFER).status, 405)
        self.assertEqual(self.live.request("POST", self.open().headers["Location"], OFFER).status, 405)

    # mediamtx 5602 and 2766: traversal and redirects.
    def test_odd_paths(self):
        for path in ("/whep/..", "/whep/%2e%2e/", "/whep/a%00b", "/whep/" + "a" * 3000, "//evil.example/..", "/whep/\\..\\",
                     "/whep//", "/nothing"):
            reply = self.live.request("GET", path)
            self.assertIn(reply.status, (400, 404, 414), path)
            self.assertIsNone(reply.headers["Location"])
            self.assertNotIn("evil", reply.text)

    def test_the_page(self):
        reply = self.live.request("GET", "/")
        self.assertEqual(reply.status, 200)
        self.assertIn("default-src 'self'", reply.headers["Content-Security-Policy"])
        for path in re.findall(r'(?:src|href)="(/[^"]+)"', reply.text):
            self.assertEqual(self.live.request("GET", path).status, 200, path)
        self.assertNotRegex(reply.text, r"<script>|\son\w+=|style=")


class Others(unittest.TestCase):
    def test_nothing_to_see_yet(self):
        with live.Live("appsrc is-live=true caps=video/x-raw,format=I420,width=64,height=64,framerate=5/1 ! livewebrtcsink port=0") as s:
            reply = s.post_offer("/whep", OFFER)
            self.assertEqual(reply.status, 409)
            self.assertGreater(int(reply.headers["Retry-After"]), 0)

    def test_full(self):
        with live.sink(more="max-viewers=2") as s:
            s.wait("async-done")
            replies = [s.post_offer("/whep", OFFER) for _ in range(3)]
            self.assertEqual([reply.status for reply in replies], [201, 201, 503])
            self.assertGreater(int(replies[2].headers["Retry-After"]), 0)
            s.request("DELETE", replies[0].headers["Location"])
            self.assertEqual(s.post_offer("/whep", OFFER).status, 201)

    def test_token(self):
        with live.sink(more="token=s3cr3t-token stun-server=stun://127.0.0.1:9") as s:
            s.wait("async-done")
            self.assertEqual(s.request("GET", "/").status, 200)
            self.assertEqual(s.request("OPTIONS", "/whep").status, 200)
            reply = s.post_offer("/whep", OFFER)
            self.assertEqual((reply.status, reply.headers["WWW-Authenticate"][:6]), (401, "Bearer"))
            good = {"Authorization": "Bearer s3cr3t-token"}
            reply = s.post_offer("/whep", OFFER, good)
            self.assertEqual(reply.status, 201)
            self.assertEqual(reply.headers["Link"], '<stun:127.0.0.1:9>; rel="ice-server"')
            session = reply.headers["Location"]
            for method in ("PATCH", "DELETE"):
                self.assertEqual(s.request(method, session, "x").status, 401)
                self.assertEqual(s.request(method, session, "x", {"Authorization": "Bearer other"}).status, 401)
            self.assertEqual(s.request("DELETE", session, headers=good).status, 200)
            self.assertNotIn("s3cr3t-token", "\n".join(s.lines))

    # A viewer that never connects is collected after 10 s.
    def test_a_session_that_never_connects_goes(self):
        with live.sink() as s:
            s.wait("async-done")
            session = s.post_offer("/whep", OFFER).headers["Location"]
            self.assertEqual(s.request("GET", session).status, 204)
            gone = lambda: s.request("GET", session).status == 204
            self.assertFalse(s.settle(gone, False))


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
