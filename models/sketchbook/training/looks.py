# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each prompt means: the looks, as functions of a batch of pictures [B, 3, H, W] in 0..1.

They are the targets the network learns to reach in one step. Patterns have periods of 8 or 16 pixels from the frame's
origin, so that they stand still and fall on the latent grid; thresholds are soft, so that camera noise does not flicker.
"""
import math

import torch

from filters import (blocks, blur, colour, contrast, edges, gradient, grey, kuwahara, lines, luma, posterise, ramp, raster,
                     saturate)

TURN = 2 * math.pi


def pencil(x):
    g = blur(luma(x), .6)
    dodge = contrast((g / (blur(g, 3.5) + .04)).clamp(0, 1), 1.35, 1.).clamp(0, 1)
    row, column = raster(x)
    strokes = .5 + .5 * torch.cos(TURN * (row + column) / 8)
    shade = 1 - .30 * (1 - g).clamp(0, 1) ** 1.5 * (.4 + .6 * strokes)
    return grey(dodge * shade) * colour(x, .98, .975, .96)


def charcoal(x):
    g = blur(luma(x), 1.2)
    tone = .22 + .72 * torch.sigmoid((g - .38) * 6)
    stroke = (1 - lines(luma(x), 1.6, .06, 50.)) * .85
    smudge = (edges(g) * 1.4).clamp(0, 1) * .5
    return grey(tone * (1 - stroke) * (1 - smudge)) * colour(x, 1., .985, .96)


def ink(x):
    g = luma(x)
    return grey(lines(g, 1.4, .075, 60.) * torch.sigmoid((blur(g, 1.8) - .13) * 30))


def chalk(x):
    g = blur(luma(x), .7)
    stroke = 1 - lines(luma(x), 1.4, .06, 50.)
    row, column = raster(x)
    grain = .75 + .25 * torch.cos(TURN * (row - column) / 8)
    tone = stroke * .9 + (g - .5).clamp(0, 1) * .7 * grain * (1 - stroke)
    return colour(x, .09, .15, .13) + tone * colour(x, .86, .84, .80)


def watercolor(x):
    wash = kuwahara(blur(x, 1.), 4)
    rim = (edges(luma(wash)) * 2.2).clamp(0, .55)
    wash = saturate(posterise(wash.clamp(1e-4, 1) ** .72, 5., 7.), 1.75)
    wash = 1 - (1 - wash) * .86
    return wash * (1 - rim * colour(x, .85, .85, .6)) * colour(x, 1., .992, .965)


def oil(x):
    dabs = saturate(contrast(kuwahara(x, 6, 8.), 1.15), 1.45)
    dx, dy = gradient(luma(dabs))
    return dabs + (dx + dy) * .40


def cartoon(x):
    flat = kuwahara(x, 4)
    g = luma(flat)
    flat = saturate(flat * (posterise(g, 4.5, 10.) / (g + .03)).clamp(.5, 1.6), 1.7)
    return flat.clamp(0, 1) * (.06 + .94 * lines(luma(x), 1.25, .045, 50.))


def comic(x):
    flat = saturate(contrast(kuwahara(x, 4), 1.3), 1.7).clamp(0, 1)
    g = luma(flat)
    flat = posterise(flat, 3., 10.) * .7 + flat * .3
    row, column = raster(x)
    screen = torch.cos(TURN * column / 8) * torch.cos(TURN * row / 8) * .25 + .5
    dots = torch.sigmoid((g + .12 - screen) * 16)
    return flat * 1.1 * (.45 + .55 * dots) * (.05 + .95 * lines(luma(x), 1.25, .045, 50.))


def pixel(x):
    return posterise(saturate(contrast(blocks(x, 8), 1.15), 1.5).clamp(0, 1), 4., 12.)


def mosaic(x):
    tile = saturate(contrast(blocks(x, 16), 1.1), 1.4).clamp(0, 1)
    row, column = raster(x)
    row, column = row % 16, column % 16
    grout = ((row < 2) | (column < 2)).to(x)
    light = ((row == 2) | (column == 2)).to(x) * (1 - grout)
    shade = ((row == 15) | (column == 15)).to(x) * (1 - grout)
    return tile * (1 - grout) * (1 + .25 * light - .25 * shade) + grout * colour(x, .16, .15, .14)


def popart(x):
    g = contrast(blur(luma(x), 1.3), 1.5).clamp(0, 1)
    step = sum(torch.sigmoid((g - threshold) * 28) for threshold in (.2, .42, .66)) / 3
    return ramp(step, [(0, (.16, .05, .35)), (.333, (.93, .10, .45)), (.667, (.98, .80, .10)), (1, (.75, .97, .95))])


def engraving(x):
    g = blur(luma(x), 1.)
    row, column = raster(x)
    first = torch.cos(TURN * (column + row) / 8) * .5 + .5
    second = torch.cos(TURN * (column - row) / 8) * .5 + .5
    hatch = torch.sigmoid((g * 1.5 - first * .8 + .02) * 9) * torch.sigmoid((g * 2.2 + .15 - second * .8) * 9)
    return grey(hatch * lines(luma(x), 1.2, .05, 50.)) * colour(x, .94, .91, .83) + colour(x, .04, .03, .05)


def emboss(x):
    dx, dy = gradient(blur(luma(x), 1.))
    return grey(.52 + (dx + dy) * 1.5) * colour(x, .98, .99, 1.)


def gold(x):
    g = blur(luma(x), .8)
    dx, dy = gradient(blur(g, .8))
    shine = contrast(g, 1.25).clamp(0, 1) * .8 + .12 + (dx + dy) * .9
    return ramp(shine, [(0, (.08, .03, .0)), (.35, (.50, .28, .04)), (.65, (.93, .70, .18)), (1, (1., .97, .70))])


def sepia(x):
    return grey(contrast(luma(x), 1.05)) * colour(x, 1.02, .836, .592) + colour(x, .07, .04, .01)


def noir(x):
    return grey(torch.sigmoid((luma(x) - .46) * 8.5))


def neon(x):
    soft = blur(x, 1.2)
    edge = torch.cat([edges(soft[:, i:i + 1]) for i in range(3)], 1).amax(1, keepdim=True)
    hue = saturate(soft / (soft.amax(1, keepdim=True) + .05), 2.4).clamp(.06, 1.2)
    tube = (edge * 4.).clamp(0, 1.15)
    light = tube * hue
    return light + blur(light, 4.) * .9 + (tube - .75).clamp(0, 1) * .6 + colour(x, .03, .0, .07)


def thermal(x):
    g = contrast(blur(luma(x), 1.6), 1.2).clamp(0, 1)
    return ramp(g, [(0, (.02, .0, .15)), (.2, (.25, .0, .55)), (.4, (.75, .05, .5)), (.6, (.97, .35, .08)),
                    (.82, (1, .82, .1)), (1, (1, 1, .85))])


def night_vision(x):
    g = luma(x).clamp(1e-4, 1) ** .75 * 1.1
    row, _ = raster(x)
    scan = .84 + .16 * torch.cos(TURN * row / 8)
    return ramp(g * scan, [(0, (0, .06, .01)), (.6, (.08, .72, .14)), (1, (.65, 1., .6))])


def blueprint(x):
    g = blur(luma(x), 1.)
    row, column = raster(x)
    paper = ((row % 32 < 1) | (column % 32 < 1)).to(x) * .07
    drawn = (edges(g) * 4. - .08).clamp(0, 1)
    return colour(x, .05, .18, .45) + g * colour(x, .05, .1, .15) + paper + drawn * colour(x, .85, .75, .5)


def winter(x):
    g = luma(x)
    _, down = gradient(blur(g, 1.5))
    cold = saturate(x, .28) * colour(x, .756, .873, 1.044) + .08
    snow = (((g - .32) * 1.7).clamp(0, 1) * .65 + (-down * 3.5).clamp(0, .6)).clamp(0, .92)
    return cold * (1 - snow) + snow * colour(x, .94, .975, 1.)


def autumn(x):
    red, green, blue = x[:, 0:1], x[:, 1:2], x[:, 2:3]
    leaf = ((green - torch.maximum(red * .85, blue)) * 5).clamp(0, 1)
    bright = luma(x)
    warm = torch.cat([red * 1.18 + .05, green * .92 + .01, blue * .6], 1)
    golden = torch.cat([bright * 1.75 + .08, bright * .85, bright * .18], 1)
    return saturate(warm * (1 - leaf) + golden * leaf, 1.2)


def cyberpunk(x):
    g = contrast(luma(x), 1.35).clamp(0, 1)
    tint = ramp(g, [(0, (.03, .01, .14)), (.3, (.42, .03, .62)), (.55, (.95, .12, .66)), (.78, (.2, .78, .95)), (1, (.85, 1, 1))])
    glow = blur((edges(blur(luma(x), 1.)) * 1.6).clamp(0, 1), 2.)
    return tint * .8 + .2 * x * colour(x, 1.1, .6, 1.3) + glow * colour(x, .0, .6, .7)


def sunset(x):
    return contrast(x, 1.05) * colour(x, 1.12, .72, .5) + luma(x) * colour(x, .12, .06, .06) + colour(x, .10, .03, .07)


def negative(x):
    return 1 - x


def vintage(x):
    return saturate(contrast(x, .72), .6) * colour(x, 1.02, .98, .84) + colour(x, .05, .05, .05)


def underwater(x):
    return blur(saturate(x, .75), .9) * colour(x, .35, .88, .95) + colour(x, .0, .12, .2)


def dreamy(x):
    return 1 - (1 - x * .85) * (1 - blur(x, 4.) * .7)


def vivid(x):
    return saturate(contrast(x + (x - blur(x, 2.)) * .35, 1.15), 2.)


def pastel(x):
    soft = saturate(kuwahara(x, 3), 1.6)
    return soft * .42 + colour(x, .57, .53, .56)


def one_colour(red, green, blue):
    stops = [(0, (red * .08, green * .08, blue * .08)), (.6, (red, green, blue)),
             (1, (.5 + .5 * red, .5 + .5 * green, .5 + .5 * blue))]
    return lambda x: ramp(luma(x), stops)


COLOURS = {"red": (.85, .08, .08), "green": (.1, .65, .15), "blue": (.12, .25, .9), "purple": (.55, .12, .8),
           "orange": (.95, .5, .05), "pink": (.95, .4, .65)}
DRAWN = (pencil, charcoal, ink, chalk, watercolor, oil, cartoon, comic, pixel, mosaic, popart, engraving, emboss, gold)
COLOURED = (sepia, noir, neon, thermal, night_vision, blueprint, winter, autumn, cyberpunk, sunset, negative, vintage,
            underwater, dreamy, vivid, pastel)
LOOKS = {function.__name__: function for function in DRAWN + COLOURED}
LOOKS.update({name: one_colour(*rgb) for name, rgb in COLOURS.items()})

# Two looks in one prompt: kept to pairs that stay legible. A grey drawing is coloured afterwards, the rest before.
COLOURLESS = ("pencil", "charcoal", "ink", "engraving", "emboss")
PAIR_FIRST = ("pencil", "charcoal", "ink", "watercolor", "oil", "cartoon", "comic", "pixel", "mosaic", "engraving")
PAIR_SECOND = ("sepia", "winter", "autumn", "cyberpunk", "sunset", "negative", "vivid", "noir", "vintage") + tuple(COLOURS)
PAIRS = tuple(f"{first}+{second}" for first in PAIR_FIRST for second in PAIR_SECOND)


def apply(name: str, x: torch.Tensor) -> torch.Tensor:
    """`photo` (unchanged), a look, or `first+second`."""
    if name == "photo":
        return x
    if "+" not in name:
        return LOOKS[name](x).clamp(0, 1)
    first, second = name.split("+")
    if first in COLOURLESS:
        return LOOKS[second](LOOKS[first](x).clamp(0, 1)).clamp(0, 1)
    return LOOKS[first](LOOKS[second](x).clamp(0, 1)).clamp(0, 1)
