#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes portrait.mp4, the clip of scripts/demo, from one photograph: NASA's portrait of astronaut Eileen Collins (public domain),
the 512x512 crop that scikit-image ships as skimage.data.astronaut().

    examples/media/make_portrait.py ASTRONAUT.png portrait.mp4

A still becomes a film by smooth inverse warps: the camera drifts and zooms, the person moves against the background
(parallax), the head turns and nods about the neck, the chest breathes. All motions return to where they began, so the
clip can be played in a loop. Needs numpy, Pillow and GStreamer.
"""
import subprocess
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 384
RATE = 25
SECONDS = 5
NECK = (226, 186)  # where the head turns, in pixels of the photograph


def soft_mask(shape, blur, draw):
    """float [height, width], 1 inside what `draw` paints, falling to 0 over about twice `blur` pixels."""
    picture = Image.new("L", shape, 0)
    draw(ImageDraw.Draw(picture))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(blur)), np.float32) / 255


def layers(shape):
    """Masks of the head, of the whole person with the helmet, and of the chest."""
    head = soft_mask(shape, 13, lambda d: d.ellipse((142, 4, 312, 190), fill=255))
    chest = soft_mask(shape, 40, lambda d: d.ellipse((60, 230, 330, 520), fill=255))

    def person(d):
        d.ellipse((146, 8, 308, 200), fill=255)
        d.polygon([(110, 180), (300, 180), (330, 250), (365, 300), (370, 345), (500, 345), (512, 512), (10, 512), (40, 300), (75, 245)],
                  fill=255)
    return head, soft_mask(shape, 12, person), chest


def wave(time, cycles, phase=0.0):
    """A sine that makes whole `cycles` in the clip."""
    return np.sin(2 * np.pi * (cycles * time / SECONDS + phase))


def camera(time):
    """Photograph coordinates [2, SIZE, SIZE] that the camera sees."""
    zoom = 1.18 + 0.04 * wave(time, 1, -0.25)
    tilt = np.radians(0.5 * wave(time, 1, 0.1))
    centre_x = 252 + 12 * wave(time, 1) + 0.8 * wave(time, 7)
    centre_y = 237 + 4 * wave(time, 1, 0.3) + 0.6 * wave(time, 5, 0.2)
    y, x = (np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) - (SIZE - 1) / 2) * zoom
    return np.stack([centre_x + x * np.cos(tilt) - y * np.sin(tilt), centre_y + x * np.sin(tilt) + y * np.cos(tilt)])


def sample(picture, x, y):
    """Bilinear, edges repeated. picture is [height, width] or [height, width, channels]."""
    height, width = picture.shape[:2]
    x = np.clip(x, 0, width - 1.001)
    y = np.clip(y, 0, height - 1.001)
    left, top = x.astype(int), y.astype(int)
    right_share, low_share = x - left, y - top
    if picture.ndim == 3:
        right_share, low_share = right_share[..., None], low_share[..., None]
    upper = picture[top, left] * (1 - right_share) + picture[top, left + 1] * right_share
    lower = picture[top + 1, left] * (1 - right_share) + picture[top + 1, left + 1] * right_share
    return upper * (1 - low_share) + lower * low_share


def frame(photo, masks, time):
    """One picture uint8 [SIZE, SIZE, 3]."""
    x, y = camera(time)
    head, person, chest = (sample(mask, x, y) for mask in masks)
    person_x, person_y = 9 * wave(time, 1, 0.5), 2 * wave(time, 2)
    turn = np.radians(4.5) * wave(time, 2, 0.15)
    nod = 3.5 * wave(time, 3, 0.4)
    from_neck_x, from_neck_y = x - NECK[0], y - NECK[1]
    move_x = person * person_x + head * (np.cos(turn) * from_neck_x - np.sin(turn) * from_neck_y - from_neck_x)
    move_y = person * person_y + head * (np.sin(turn) * from_neck_x + np.cos(turn) * from_neck_y - from_neck_y + nod)
    move_y += chest * 3 * wave(time, 2, 0.3)
    return np.clip(sample(photo, x - move_x, y - move_y) + 0.5, 0, 255).astype(np.uint8)


def main():
    photo = np.asarray(Image.open(sys.argv[1]).convert("RGB"), np.float32)
    masks = layers((photo.shape[1], photo.shape[0]))
    encoder = subprocess.Popen(
        ["gst-launch-1.0", "-q", "fdsrc", "fd=0", "!", "rawvideoparse", "format=rgb", f"width={SIZE}", f"height={SIZE}",
         f"framerate={RATE}/1", "!", "videoconvert", "!", "video/x-raw,format=I420", "!", "x264enc", "bitrate=560", 
         "speed-preset=veryslow", "key-int-max=50", "!", "video/x-h264,profile=high", "!", "h264parse", "!", "mp4mux", "faststart=true", "!",
         "filesink", f"location={sys.argv[2]}"], stdin=subprocess.PIPE)
    for index in range(RATE * SECONDS):
        encoder.stdin.write(frame(photo, masks, index / RATE).tobytes())
    encoder.stdin.close()
    sys.exit(encoder.wait())


if __name__ == "__main__":
    main()
