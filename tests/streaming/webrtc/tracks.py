# SPDX-License-Identifier: LGPL-2.1-or-later
"""What publishers made with aiortc send."""
import asyncio
import fractions

import av
import numpy
from aiortc import MediaStreamTrack

RATE, PIECE = 48000, 960  # samples a second and of 20 ms


class ColouredPicture(MediaStreamTrack):
    """320x240 in one colour, 20 times a second."""
    kind = "video"

    def __init__(self, colour):
        super().__init__()
        self.colour = colour
        self.count = 0

    async def recv(self):
        await asyncio.sleep(1 / 20)
        frame = av.VideoFrame.from_ndarray(numpy.full((240, 320, 3), self.colour, numpy.uint8), format="rgb24")
        frame.pts, frame.time_base = self.count * 4500, fractions.Fraction(1, 90000)
        self.count += 1
        return frame


def sound_frame(samples, at):
    """int16 samples of one channel, the first of them number `at` of the track."""
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, at, fractions.Fraction(1, RATE)
    return frame
