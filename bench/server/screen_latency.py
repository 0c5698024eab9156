# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a camera to the screen through liveedit-server, in Chromium: a clock is drawn into the picture that goes out, and read from the picture that
comes back when it is shown. The server's engine is the double of the tests, which inverts pictures and takes a set time: what is told is that time taken off.

    LIVEEDIT_BUILD_DIR=build .venv/bin/python bench/server/screen_latency.py [--seconds 20] [--edit-ms 5] [--size 512]
"""
import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/server"))
from page import Browser  # noqa: E402
from serving import Server  # noqa: E402

# The clock: milliseconds as 20 squares, the lowest first, and before them a white and a black one, which tell how to read the others. `frame` is called
# after each drawing.
CLOCK = """
  const SQUARES = 22, WIDTH = 640, HEIGHT = 480, SIDE = WIDTH / SQUARES;
  const clock = Object.assign(document.createElement('canvas'), {width: WIDTH, height: HEIGHT});
  const pen = clock.getContext('2d', {alpha: false});
  const draw = () => {
    const now = Math.round(performance.now());
    pen.fillStyle = '#777'; pen.fillRect(0, 0, WIDTH, HEIGHT);
    for (let i = 0; i < SQUARES; ++i) {
      pen.fillStyle = i === 0 || (i > 1 && now >> (i - 2) & 1) ? '#fff' : '#000';
      pen.fillRect(i * SIDE, 0, SIDE + 1, HEIGHT / 3);
    }
  };
  const small = Object.assign(document.createElement('canvas'), {width: WIDTH, height: 64});
  const reader = small.getContext('2d', {willReadFrequently: true});
  const read = element => {
    reader.drawImage(element, 0, 0, WIDTH, 480);
    const row = reader.getImageData(0, 32, WIDTH, 1).data;
    const at = i => row[4 * Math.round((i + 0.5) * SIDE) + 1];
    const white = at(0), black = at(1);
    if (Math.abs(white - black) < 60) return null;
    let value = 0;
    for (let i = 2; i < SQUARES; ++i) if (Math.abs(at(i) - white) < Math.abs(at(i) - black)) value |= 1 << (i - 2);
    return value;
  };
  window.times = [];
  const keep = (element, shown) => {
    const value = read(element);
    const late = shown - value;
    if (value !== null && value !== window.last && late > 0 && late < 5000) { window.last = value; window.times.push(late); }
  };
"""
WEBRTC = "async () => {" + CLOCK + """
  const {Publisher, Viewer} = await import('/webrtc.js');
  const {Connection} = await import('/connection.js');
  draw();
  setInterval(draw, 1000 / 30);
  const seen = new Promise(done => {
    window.connection = new Connection('clock', 'media', {settings: () => ({}), heard: m => { if (m.status === 'live') done(); }, lost: () => {}});
  });
  await new Publisher().open('clock', clock.captureStream(30), () => {});
  await seen;
  const video = Object.assign(document.createElement('video'), {muted: true, playsInline: true});
  document.body.prepend(video);
  const next = (now, about) => { keep(video, about.expectedDisplayTime); video.requestVideoFrameCallback(next); };
  video.requestVideoFrameCallback(next);
  await new Viewer().open('clock', video, () => {});
  return true;
}"""
WEBSOCKET = "async () => {" + CLOCK + """
  const {Connection} = await import('/connection.js');
  draw();
  setInterval(draw, 1000 / 30);
  const picture = document.createElement('img');
  document.body.prepend(picture);
  window.connection = new Connection('clock', 'image', {
    settings: () => ({}), lost: () => {},
    picture: () => new Promise(done => clock.toBlob(done, 'image/jpeg', 0.85)),
    heard: m => { if (m.status === 'connected') picture.src = '/api/stream/clock'; },
  });
  const next = () => { if (picture.naturalWidth) keep(picture, performance.now()); requestAnimationFrame(next); };
  requestAnimationFrame(next);
  return true;
}"""


def measure(way, script, arguments):
    settings = {"pipeline.width": arguments.size, "pipeline.height": arguments.size}
    with Server(model=f"frame-ms={arguments.edit_ms}", settings=settings) as server:
        server.ready()
        with Browser(server.url) as browser:
            browser.open()
            browser.evaluate(script)
            time.sleep(3)  # bitrate and jitter buffer find their level
            browser.evaluate("() => { window.times.length = 0; }")
            time.sleep(arguments.seconds)
            times = sorted(t - arguments.edit_ms for t in browser.evaluate("() => window.times"))
    if len(times) < 5 * arguments.seconds:
        raise SystemExit(f"{way}: only {len(times)} pictures came:\n{server}")
    return {"way": way, "pictures_per_second": round(len(times) / arguments.seconds, 1), "median_ms": round(statistics.median(times), 1),
            "p95_ms": round(times[int(0.95 * len(times))], 1), "max_ms": round(times[-1], 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--edit-ms", type=int, default=5, help="what the engine takes for a frame")
    parser.add_argument("--size", type=int, default=512)
    arguments = parser.parse_args()
    for way, script in (("WebRTC in and out", WEBRTC), ("WebSocket in, MJPEG out", WEBSOCKET)):
        print(json.dumps(measure(way, script, arguments)), flush=True)


if __name__ == "__main__":
    main()
