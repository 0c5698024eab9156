# SPDX-License-Identifier: LGPL-2.1-or-later
"""Films whose matte is known, because they are put together from a foreground with alpha and a background: both move.

    frames = scene.film()      # uint8 [frames, size, size, 3] and float32 [frames, size, size], the matte

Foregrounds: the person of examples/media/portrait.mp4, cut out along a line drawn by hand, and a drawn figure. Both wear fine hair:
strands thinner than a pixel, so that their alpha is a fraction. Whatever the line and the strands are, the matte is what was mixed.
"""
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

ROOT = Path(__file__).resolve().parents[2]
PORTRAIT = ROOT / "examples/media/portrait.mp4"
SIDE = 384    # of portrait.mp4, and of the foregrounds
FINE = 4      # foregrounds are drawn this many times larger
SECONDS = 2
RATE = 25

# The person's outline in the first picture of portrait.mp4, in pixels of a picture of 1092 x 1092, clockwise from the hair.
OUTLINE = [
    (425, 24), (450, 10), (490, 5), (540, 7), (580, 16), (610, 32), (638, 60), (657, 96), (667, 140), (667, 180), (659, 214), (642, 243),
    (622, 266), (606, 275), (594, 290), (584, 310), (576, 335), (564, 364), (556, 388), (590, 410), (619, 437), (643, 471), (660, 506),
    (669, 538), (700, 549), (733, 573), (761, 602), (780, 636), (791, 680), (800, 730), (809, 780), (812, 803), (798, 813), (768, 828),
    (733, 852), (698, 887), (667, 928), (642, 974), (622, 1030), (608, 1092), (0, 1092), (0, 728), (20, 672), (41, 627), (72, 578),
    (112, 538), (152, 508), (187, 481), (207, 466), (209, 446), (213, 427), (225, 414), (232, 391), (244, 364), (265, 341), (292, 327),
    (326, 319), (360, 319), (381, 320), (383, 300), (381, 277), (368, 264), (355, 247), (347, 236), (333, 212), (323, 185), (319, 150),
    (319, 112), (328, 88), (347, 66), (377, 49), (405, 38)]
OUTLINE_SIDE = 1092


@dataclass
class Foreground:
    """A picture with alpha: rgb float32 [SIDE, SIDE, 3], 0 to 255, alpha float32 [SIDE, SIDE], 0 to 1."""
    rgb: np.ndarray
    alpha: np.ndarray


def first_picture(path=PORTRAIT):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                         check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
    return np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE, 3).astype(np.float32)


def coverage(draw):
    """float32 [SIDE, SIDE]: how much of each pixel is painted by `draw(ImageDraw, scale)`, which draws at `scale` times the size."""
    fine = Image.new("L", (SIDE * FINE, SIDE * FINE))
    draw(ImageDraw.Draw(fine), FINE)
    return np.asarray(fine.resize((SIDE, SIDE), Image.BOX), np.float32) / 255


def strand(generator, start, angle, length, bend):
    """Points of a curved line from `start`: a random walk of its direction."""
    points = [start]
    for _ in range(8):
        angle += generator.normal(0, bend)
        points.append((points[-1][0] + length / 8 * np.cos(angle), points[-1][1] + length / 8 * np.sin(angle)))
    return points


def strands(seed, centre, radii, angles, count, length):
    """Hair that leaves an ellipse outwards, between two angles (radians, clockwise from the right), as a coverage."""
    generator = np.random.default_rng(seed)

    def draw(image, scale):
        for _ in range(count):
            at = generator.uniform(*angles)
            start = (centre[0] + radii[0] * np.cos(at), centre[1] + radii[1] * np.sin(at))
            path = strand(generator, start, at + generator.normal(0, 0.5), length * generator.uniform(0.4, 1), 0.25)
            image.line([(x * scale, y * scale) for x, y in path], fill=255, width=int(generator.integers(1, FINE)))
    return coverage(draw)


def with_hair(rgb, body, hair, hair_rgb):
    """The strands lie over the body's edge, in their own colour."""
    share = np.where(body + hair > 0, hair * (1 - body) / np.maximum(hair * (1 - body) + body, 1e-6), 0)[..., None]
    return Foreground(rgb * (1 - share) + np.float32(hair_rgb) * share, body + hair * (1 - body))


def portrait():
    scale = SIDE / OUTLINE_SIDE
    body = coverage(lambda image, fine: image.polygon([(x * scale * fine, y * scale * fine) for x, y in OUTLINE], fill=255))
    body = np.asarray(Image.fromarray(np.uint8(body * 255 + 0.5)).filter(ImageFilter.GaussianBlur(0.7)), np.float32) / 255
    hair = strands(3, (174, 50), (60, 46), (-np.pi, 0.5), 160, 14)
    return with_hair(first_picture(), body, hair, (134, 108, 68))


def drawn_figure():
    """A person as one would draw them: shaded head, neck and shoulders, a face, long loose hair."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    rgb = np.empty((SIDE, SIDE, 3), np.float32)
    rgb[:] = (52, 78, 120)
    rgb *= (0.75 + 0.35 * np.cos((x - 150) / 110))[..., None]  # folds and light on the clothes
    rgb += 10 * np.sin((x * 0.7 + y * 0.3) / 9)[..., None]
    picture = Image.fromarray(np.uint8(np.clip(rgb, 0, 255)))
    draw = ImageDraw.Draw(picture)
    hair, skin, shade = (58, 38, 26), (222, 176, 146), (190, 140, 112)
    draw.ellipse((118, 42, 266, 250), fill=hair)
    draw.polygon([(160, 205), (224, 205), (240, 285), (192, 310), (144, 285)], fill=shade)
    draw.ellipse((138, 70, 246, 228), fill=skin)
    draw.pieslice((128, 50, 256, 170), 180, 360, fill=hair)
    for side in (166, 218):
        draw.ellipse((side - 13, 137, side + 13, 151), fill=(245, 242, 238))
        draw.ellipse((side - 6, 138, side + 6, 150), fill=(64, 46, 34))
        draw.arc((side - 17, 118, side + 17, 146), 200, 340, fill=hair, width=4)
    draw.line([(192, 148), (187, 176), (197, 178)], fill=shade, width=3)
    draw.chord((168, 188, 216, 212), 10, 170, fill=(178, 74, 72))
    picture = picture.filter(ImageFilter.GaussianBlur(1.2))

    def body(image, fine):
        image.ellipse([v * fine for v in (118, 42, 266, 250)], fill=255)
        image.rectangle([v * fine for v in (156, 200, 228, 300)], fill=255)
        image.polygon([(v * fine, w * fine) for v, w in
                       ((150, 272), (100, 292), (52, 322), (30, 384), (354, 384), (332, 322), (284, 292), (234, 272))], fill=255)
    hair_cover = np.maximum(strands(5, (192, 146), (72, 102), (-np.pi, 0), 260, 26), strands(6, (192, 190), (70, 62), (0, np.pi), 120, 60))
    return with_hair(np.asarray(picture, np.float32), coverage(body), hair_cover, hair)


def sample(picture, x, y, outside):
    """Bilinear; `outside` beyond the edges. picture [height, width, channels]."""
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((1, 2), (1, 2), (0, 0)), constant_values=outside)
    x, y = np.clip(x + 1, 0, width + 1), np.clip(y + 1, 0, height + 1)
    left, top = x.astype(int), y.astype(int)
    right, low = (x - left)[..., None], (y - top)[..., None]
    upper = padded[top, left] * (1 - right) + padded[top, left + 1] * right
    lower = padded[top + 1, left] * (1 - right) + padded[top + 1, left + 1] * right
    return upper * (1 - low) + lower * low


def textured_background(seed, side):
    """A large picture of a busy place, [side, side, 3]: soft clouds of colour, shelves and windows, grain."""
    generator = np.random.default_rng(seed)
    picture = np.zeros((side, side, 3), np.float32)
    for cells in (4, 9, 25, 70):
        noise = Image.fromarray(np.uint8(generator.uniform(0, 255, (cells, cells, 3)))).resize((side, side), Image.BICUBIC)
        picture += np.asarray(noise, np.float32) / (1 + cells / 12)
    picture *= 205 / picture.max()
    image = Image.fromarray(np.uint8(picture))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        at, size = generator.integers(0, side, 2), generator.integers(side // 60, side // 9, 2)
        draw.rectangle((*map(int, at), *map(int, at + size)), fill=tuple(map(int, generator.integers(20, 235, 3))))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(1)), np.float32) + generator.normal(0, 3, (side, side, 3)).astype(np.float32)


@dataclass
class Scene:
    """How the foreground moves: sway and bob in shares of the picture, turns in degrees, over `cycles` rounds; the background pans by
    `pan` pictures, and brightens and darkens by `exposure`."""
    name: str
    foreground: object  # a function that gives a Foreground
    background_seed: int
    sway: float
    bob: float
    turn: float
    cycles: float
    pan: float
    exposure: float = 0.0
    zoom: float = 1.0

    def film(self, size=SIDE, frame_count=SECONDS * RATE):
        """uint8 [frames, size, size, 3], float32 [frames, size, size]."""
        foreground = self.foreground()
        layer = np.concatenate([foreground.rgb * foreground.alpha[..., None], foreground.alpha[..., None]], axis=2)
        background = textured_background(self.background_seed, int(1.6 * size))
        made = [self.frame(layer, background, size, index / RATE) for index in range(frame_count)]
        return np.stack([rgb for rgb, _ in made]), np.stack([alpha for _, alpha in made])

    def frame(self, layer, background, size, time):
        wave = np.sin(2 * np.pi * self.cycles * time / SECONDS)
        other = np.sin(2 * np.pi * (2 * self.cycles * time / SECONDS + 0.2))
        turn = np.radians(self.turn) * wave
        y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
        x, y = x - self.sway * wave, y - self.bob * other - 0.03 - 0.5 * (1 - self.zoom)
        turned = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)]) / self.zoom
        # The person stands on the lower edge of the film, and goes on below its picture as the last row.
        from_x, from_y = (turned[0] + 0.5) * SIDE - 0.5, np.minimum((turned[1] + 0.5) * SIDE - 0.5, SIDE - 1)
        mixed = sample(layer, from_x, from_y, 0)
        room = background.shape[0] - size
        left = (0.5 + 0.5 * np.sin(self.pan * time)) * room
        row, column = np.mgrid[0:size, 0:size].astype(np.float32)
        behind = sample(background, column + left, row + room / 2 * (1 + 0.3 * wave), 0) * (1 + self.exposure * other)
        alpha = mixed[..., 3:]
        return np.uint8(np.clip(mixed[..., :3] + behind * (1 - alpha) + 0.5, 0, 255)), alpha[..., 0].astype(np.float32)


SCENES = [
    Scene("portrait, slow pan", portrait, 1, sway=0.06, bob=0.01, turn=3, cycles=1, pan=0.8),
    Scene("portrait, fast, changing light", portrait, 2, sway=0.16, bob=0.02, turn=6, cycles=2, pan=2.5, exposure=0.2),
    Scene("drawn figure, loose hair", drawn_figure, 3, sway=0.08, bob=0.015, turn=4, cycles=1, pan=1.2),
    Scene("portrait, small", portrait, 4, sway=0.12, bob=0.02, turn=3, cycles=1, pan=1.0, zoom=0.6),
]
