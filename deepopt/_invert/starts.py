"""Where the descents of `invert` begin: at latents known before, and around the best so far."""

from __future__ import annotations

import numpy as np

from ..reparametrizations import Latent

HEAD = 3  # codes that a target takes before perturbed latents and further codes take turns
LEAST_REACH, MOST_REACH = 0.1, 1.0  # of a perturbation, in standard deviations of the prior


def codes_for(count: int) -> int:
    """How many codes a target takes at most in so many starts."""
    head = min(count, HEAD)
    return head + (count - head) // 2


class Starts:
    """The starts of every target, one after the other until it is found.

    Parameters
    ----------
    known : ndarray (B, S, k)
        Latents where each target begins: the first `HEAD` one after the other, and then in turns
        with perturbed latents, as long as there are any.
    count : int
        Starts in all; S where none is to be perturbed. A perturbed one is the best latent so far,
        moved by a normal deviate of a scale that varies from one start to the next.
    latent : Latent
    seed : int
        Of the perturbations. One depends on it, the target and its number alone.
    """

    def __init__(self, known: np.ndarray, count: int, latent: Latent, seed: int) -> None:
        self.known, self.count = np.array(latent.clip(known)), count
        self._latent, self._seed = latent, seed

    def of(self, target: int, number: int, best: np.ndarray) -> np.ndarray:
        """The latent (k,) where start `number` of a target begins whose best is `best` (k,)."""
        known = self.known.shape[1]
        turn, is_code = divmod(number - HEAD, 2)
        if number < HEAD or known == self.count:
            place = number
        else:
            place = HEAD + turn if is_code else known
        if place < known:
            start: np.ndarray = self.known[target, place]
            return start
        rng = np.random.default_rng([self._seed, target, number])
        reach = LEAST_REACH * (MOST_REACH / LEAST_REACH) ** rng.random()
        step = reach * self._latent.spread * rng.standard_normal(len(best))
        return self._latent.clip(best + step)
