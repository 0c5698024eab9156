# SPDX-License-Identifier: LGPL-2.1-or-later
"""What schemathesis (openapi.py) is told beyond the document. How bodies that are neither JSON nor a form are sent; and, for half of the cases, the
names, pictures, recordings and offers that lead past the first check: a session that lives, peers and playlists that earlier answers named. Each
operation's answers are counted into the file LIVEEDIT_API_ANSWERS. LIVEEDIT_API_SERVER is the server's address."""
import atexit
import base64
import collections
import io
import json
import os
import random
import re
import time
import wave
from pathlib import Path

import requests
import schemathesis
from PIL import Image

OFFERS = [file.read_text() for file in sorted((Path(__file__).parent.parent / "streaming/webrtc/offers").glob("*.sdp"))]
ANSWERS = collections.defaultdict(collections.Counter)
SERVER = os.environ.get("LIVEEDIT_API_SERVER")
PEERS = collections.defaultdict(list)  # "whip", "whep": (session, its ETag, the ICE credentials of its offer)
PIECES = []  # (folder, file) of playlists


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag", "audio/*")
def as_it_is(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", errors="replace")


def picture(chance):
    file = io.BytesIO()
    Image.new("RGB", (chance.choice([16, 33, 64]), 32), (200, 40, 90)).save(file, chance.choice(["JPEG", "PNG", "WEBP"]))
    return base64.b64encode(file.getvalue()).decode()


def recording():
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes((b"\x00\x20" * 8 + b"\x00\xe0" * 8) * 1000)
    return file.getvalue()


def offer(chance):
    """One of a real client, whole or with a line lost, doubled or damaged."""
    lines = chance.choice(OFFERS).split("\n")
    if chance.random() < 0.5:
        at = chance.randrange(len(lines))
        lines[at:at + 1] = chance.choice([[], [lines[at]] * 2, [lines[at][:len(lines[at]) // 2]]])
    return "\n".join(lines)


def fragment(chance, credentials):
    lines = [f"a=ice-ufrag:{credentials[0]}", f"a=ice-pwd:{credentials[1]}", "m=audio 9 RTP/AVP 0", "a=mid:0",
             "a=candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host", "a=end-of-candidates"]
    return "\r\n".join(line for line in lines if chance.random() < 0.9) + "\r\n"


def make_peer(kind):
    whole = next(text for text in OFFERS if ("a=sendonly" if kind == "whip" else "a=recvonly") in text)
    for _ in range(60):
        answer = requests.post(f"{SERVER}/api/{kind}/living", whole, headers={"Content-Type": "application/sdp"}, timeout=30)
        if answer.status_code != 503:
            break
        time.sleep(0.25)  # who publishes is missed only after some seconds without media
    if answer.status_code == 201:
        remember_peer(kind, answer.headers["Location"], answer.headers["ETag"], whole)


def remember_peer(kind, location, tag, text):
    ice = [re.search(rf"a=ice-{name}:(\S+)", text) for name in ("ufrag", "pwd")]
    if all(ice):
        PEERS[kind].append((location.rsplit("/", 1)[1], tag, [found.group(1) for found in ice]))


def end_peers(kind):
    for session, _, _ in PEERS.pop(kind, []):
        requests.delete(f"{SERVER}/api/{kind}/living/{session}", timeout=30)


def lead_to_a_peer(case, chance):
    kind = case.operation.path.split("/")[2]
    if not PEERS[kind]:
        make_peer(kind)
    if not PEERS[kind]:
        return
    session, tag, credentials = PEERS[kind][-1]
    case.path_parameters["sessionId"] = session
    if case.method == "PATCH":
        new = (f"{chance.getrandbits(32):08x}", f"{chance.getrandbits(128):032x}")
        case.headers["If-Match"] = chance.choice([tag, tag, tag, "*", '"another"'])
        case.body = fragment(chance, chance.choice([credentials, new]))


def lead_to_a_body(case, chance):
    if case.media_type == "application/sdp":
        case.body = offer(chance)
        if chance.random() < 0.5:
            end_peers(case.operation.path.split("/")[2])
    elif case.operation.path == "/edit" and isinstance(case.body, dict):
        case.body["image"] = picture(chance)
        if chance.random() < 0.5:
            case.body["ref_image"] = chance.choice([None, picture(chance)])
    elif isinstance(case.body, dict) and "file" in case.body:
        case.body["file"] = recording() if case.operation.path == "/api/stt" else base64.b64decode(picture(chance))
    elif isinstance(case.body, bytes):
        case.body = recording()


@schemathesis.hook
def before_call(context, case, kwargs):
    chance = random.Random(f"{case.operation.label} {case.path_parameters} {case.body!r}")
    if chance.random() < 0.5:
        return
    if "userId" in case.path_parameters:
        case.path_parameters["userId"] = "living"
    if any(parameter.name == "user" for parameter in case.operation.query):
        case.query = {"user": "living"}
    if "sessionId" in case.path_parameters:
        lead_to_a_peer(case, chance)
    elif "folder" in case.path_parameters and PIECES:
        case.path_parameters["folder"], case.path_parameters["file"] = chance.choice(PIECES[-20:])
    else:
        lead_to_a_body(case, chance)


@schemathesis.hook
def after_call(context, case, response):
    ANSWERS[f"{case.method} {case.operation.path}"][response.status_code] += 1
    if response.status_code == 201 and case.path_parameters.get("userId") == "living":
        remember_peer(case.operation.path.split("/")[2], response.headers["location"][0], response.headers["etag"][0], case.body)
    gone = case.path_parameters.get("sessionId")
    for peers in PEERS.values():
        if response.status_code == 404 and gone in [peer[0] for peer in peers]:
            peers.clear()  # it was not heard of for too long, and those before it neither
        elif (case.method, response.status_code) == ("DELETE", 200):
            peers[:] = [peer for peer in peers if peer[0] != gone]
    if response.status_code == 429:
        time.sleep(0.2)
    for found in re.finditer(rb"/hls/([^/\s]+)/(\S+)", response.content or b""):
        PIECES.append(tuple(name.decode() for name in found.groups()))


def write_down():
    if file := os.environ.get("LIVEEDIT_API_ANSWERS"):
        Path(file).write_text(json.dumps(ANSWERS))


atexit.register(write_down)
