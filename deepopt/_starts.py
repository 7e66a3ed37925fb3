"""Where the descents of `invert` begin: given latents first, then hops around the best so far."""

from __future__ import annotations

import numpy as np

from .reparametrizations import Latent

NEAREST = 3  # codes that a target takes before it hops
LEAST_REACH, MOST_REACH = 0.1, 1.0  # of a hop, in standard deviations of the prior


class Starts:
    """The starts of every target, one after the other until it is found.

    Parameters
    ----------
    first : ndarray (B, S, k)
        The first ones of each target.
    count : int
        In all; those after the first S are hops: the best latent so far, moved by a normal
        deviate of a scale that varies from one start to the next.
    latent : Latent
    seed : int
        Of the hops. One depends on it, the target and its number alone.
    """

    def __init__(self, first: np.ndarray, count: int, latent: Latent, seed: int) -> None:
        self.first, self.count = np.array(latent.clip(first)), count
        self._latent, self._seed = latent, seed

    def of(self, target: int, number: int, best: np.ndarray) -> np.ndarray:
        """The latent (k,) where start `number` of a target begins whose best is `best` (k,)."""
        if number < self.first.shape[1]:
            start: np.ndarray = self.first[target, number]
            return start
        rng = np.random.default_rng([self._seed, target, number])
        reach = LEAST_REACH * (MOST_REACH / LEAST_REACH) ** rng.random()
        step = reach * self._latent.spread * rng.standard_normal(len(best))
        return self._latent.clip(best + step)
