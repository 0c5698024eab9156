# SPDX-License-Identifier: LGPL-2.1-or-later
"""What publishers made with aiortc send."""
import asyncio
import fractions

import av
import numpy
from aiortc import MediaStreamTrack

RATE, PIECE = 48000, 960  # samples a second and of 20 ms
LARGE_COLOUR = (48, 176, 96)


class ColouredPicture(MediaStreamTrack):
    """One colour, 20 times a second."""
    kind = "video"

    def __init__(self, colour, size=(320, 240)):
        super().__init__()
        self.picture = numpy.full((size[1], size[0], 3), colour, numpy.uint8)
        self.count = 0

    async def recv(self):
        await asyncio.sleep(1 / 20)
        frame = av.VideoFrame.from_ndarray(self.picture, format="rgb24")
        frame.pts, frame.time_base = self.count * 4500, fractions.Fraction(1, 90000)
        self.count += 1
        return frame


def sound_frame(samples, at):
    """int16 samples of one channel, the first of them number `at` of the track."""
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, at, fractions.Fraction(1, RATE)
    return frame
