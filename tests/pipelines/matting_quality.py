# SPDX-License-Identifier: LGPL-2.1-or-later
"""The instruments of bench/matting: what they say of mattes whose faults are known, and the films they are used on."""
import shutil
import sys
import unittest

import numpy as np

from media import ROOT

sys.path.insert(0, str(ROOT / "bench/matting"))
import metrics  # noqa: E402
import scenes   # noqa: E402


def disc(frame_count=6, side=64, speed=2.0):
    """A soft disc that moves to the right: a matte film."""
    y, x = np.mgrid[0:side, 0:side]
    return np.stack([np.clip(16 - np.hypot(x - 20 - speed * t, y - side / 2), 0, 1) for t in range(frame_count)])


class Metrics(unittest.TestCase):
    def test_a_perfect_matte_is_zero_in_all(self):
        self.assertEqual({"mad": 0, "mse": 0, "grad": 0, "dtssd": 0, "flicker": 0}, metrics.all_of(disc(), disc()))

    def test_a_constant_error_counts_as_error_but_not_as_change(self):
        true = np.full((4, 8, 10), 0.5)
        found = metrics.all_of(true + 0.1, true)
        self.assertAlmostEqual(100, found["mad"])
        self.assertAlmostEqual(10, found["mse"])
        for name in ("grad", "dtssd", "flicker"):
            self.assertAlmostEqual(0, found[name], msg=name)

    def test_a_matte_that_jumps_flickers_and_one_that_drifts_does_not(self):
        true = np.zeros((6, 8, 8))
        jumps = true + np.array([0, 0.2, 0, 0.2, 0, 0.2])[:, None, None]
        drifts = true + np.linspace(0, 0.5, 6)[:, None, None]
        self.assertAlmostEqual(200, metrics.flicker(jumps, true))
        self.assertAlmostEqual(20, metrics.dtssd(jumps, true))
        self.assertAlmostEqual(0, metrics.flicker(drifts, true))
        self.assertAlmostEqual(10, metrics.dtssd(drifts, true))

    def test_dtssd_is_the_root_mean_square_of_a_frame(self):
        true = np.zeros((2, 2, 2))
        made = true.copy()
        made[1, 0, 0] = 0.4  # one of four pixels: sqrt(0.16 / 4) = 0.2
        self.assertAlmostEqual(20, metrics.dtssd(made, true))

    def test_the_gradient_of_a_ramp_is_its_slope(self):
        # Unit energy: a slope of 1 gives the sum of |derivative| taps times their distance.
        derivative, smooth = metrics.gaussian_derivative()
        half = len(derivative) // 2
        expected = abs(np.sum(derivative * np.arange(-half, half + 1))) * np.sum(smooth)
        ramp = np.tile(np.arange(32.0), (32, 1))
        inside = metrics.gradient(ramp)[10:-10, 10:-10]
        np.testing.assert_allclose(inside, expected, rtol=1e-9)
        np.testing.assert_allclose(metrics.gradient(ramp.T)[10:-10, 10:-10], expected, rtol=1e-9)

    def test_every_figure_grows_with_the_fault(self):
        true = disc()
        noise = np.random.default_rng(1).normal(0, 1, true.shape)
        for name in metrics.all_of(true, true):
            rising = [metrics.all_of(true + size * noise, true)[name] for size in (0.01, 0.05, 0.2)]
            self.assertEqual(sorted(rising), rising, name)
            self.assertGreater(rising[0], 0, name)

    def test_a_lagging_matte_is_seen_by_every_figure_but_flicker_least(self):
        true = disc(speed=3)
        late = np.concatenate([true[:1], true[:-1]])
        found = metrics.all_of(late, true)
        for name in ("mad", "mse", "grad", "dtssd"):
            self.assertGreater(found[name], 0.5, name)

    def test_unlike_shapes_are_refused_n(self):
        with self.assertRaisesRegex(ValueError, "frames, height, width"):
            metrics.all_of(disc(5), disc(6))
        with self.assertRaisesRegex(ValueError, "frames, height, width"):
            metrics.all_of(disc()[0], disc()[0])


@unittest.skipUnless(shutil.which("ffmpeg"), "ffmpeg, which reads the person of the films, is not installed")
class Scenes(unittest.TestCase):
    def test_films_move_and_their_matte_is_soft(self):
        for scene in scenes.SCENES:
            film, alpha = scene.film(size=128, frame_count=8)
            with self.subTest(scene.name):
                self.assertEqual((8, 128, 128, 3), film.shape)
                self.assertEqual((8, 128, 128), alpha.shape)
                self.assertEqual(0, alpha.min())
                self.assertAlmostEqual(1, float(alpha.max()), places=5)
                self.assertGreater(np.mean((alpha > 0.05) & (alpha < 0.95)), 0.005, "no soft edges")
                self.assertTrue(0.08 < alpha.mean() < 0.7)
                for before, after in zip(alpha, alpha[1:]):
                    self.assertGreater(np.abs(after - before).mean(), 1e-4, "the person stands still")
                behind = (alpha.max(axis=0) == 0)
                self.assertGreater(np.abs(np.diff(film.astype(np.int16), axis=0))[:, behind].mean(), 0.5, "the background stands still")

    def test_the_picture_is_the_mix_that_the_matte_says(self):
        scene = scenes.SCENES[0]
        film, alpha = scene.film(size=scenes.SIDE, frame_count=1)
        other = scenes.Scene(**{**vars(scene), "background_seed": 99})
        again, same = other.film(size=scenes.SIDE, frame_count=1)
        np.testing.assert_array_equal(alpha, same)
        change = np.abs(film.astype(np.int16) - again).max(axis=3)
        self.assertLessEqual(change[alpha == 1].max(), 1, "the background shows through the person")
        self.assertGreater(np.median(change[alpha == 0]), 10)


if __name__ == "__main__":
    unittest.main()
