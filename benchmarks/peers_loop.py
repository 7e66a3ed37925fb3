"""The deep loop written by hand in JAX and in PyTorch: what deepopt's loop is measured against.

Rastrigin on [0, 1]^d scaled to [0, 1], n embeddings through one network of one hidden ReLU layer,
a sigmoid onto the box, gradient descent whose rate falls by 0.9 without improvement, the best
point of all kept: the same work per iteration as deepopt's.
"""

from __future__ import annotations

import math
import time

import numpy as np


def start(n: int, n_hidden: int, dim: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    scale = 1 / math.sqrt(n_hidden)
    return [
        rng.standard_normal((n, n_hidden)),
        scale * rng.standard_normal((n_hidden, n_hidden)),
        scale * rng.standard_normal(n_hidden),
        scale * rng.standard_normal((n_hidden, dim)),
        scale * rng.standard_normal(dim),
    ]


def jax_loop(parameters: list[np.ndarray], value_range: float, rate: float, dtype: str):
    """Compile; returns a function iterations -> seconds (the best value is fetched inside)."""
    import jax
    import jax.numpy as jnp

    def points(w):
        z, w1, b1, w2, b2 = w
        y = jax.nn.relu(z @ w1 + b1) @ w2 + b2
        return -5.12 + 10.24 * jax.nn.sigmoid(y)

    def loss(w):
        x = points(w)
        f = 10 * x.shape[-1] + jnp.sum(x * x - 10 * jnp.cos(2 * jnp.pi * x), axis=-1)
        return jnp.mean(f) / value_range, (x, f)

    def iterate(_, state):
        w, alpha, best_loss, best_f, best_x = state
        (value, (x, f)), g = jax.value_and_grad(loss, has_aux=True)(w)
        i = jnp.argmin(f)
        better = f[i] < best_f
        return (
            [a - alpha * b for a, b in zip(w, g, strict=True)],
            jnp.where(value < best_loss, alpha, 0.9 * alpha),
            jnp.minimum(value, best_loss),
            jnp.where(better, f[i], best_f),
            jnp.where(better, x[i], best_x),
        )

    run = jax.jit(lambda state, n: jax.lax.fori_loop(0, n, iterate, state))

    def timed(iterations: int) -> float:
        with jax.enable_x64(dtype == "float64"):
            w = [jnp.asarray(p, dtype) for p in parameters]
            inf = jnp.asarray(np.inf, dtype)
            state = (w, jnp.asarray(rate, dtype), inf, inf, w[-1])
            begun = time.perf_counter()
            float(run(state, iterations)[3])
            return time.perf_counter() - begun

    timed(2)
    return timed


def torch_loop(parameters: list[np.ndarray], value_range: float, rate: float, dtype: str):
    """PyTorch eager with SGD and ReduceLROnPlateau, as paper A ran it."""
    import torch

    def timed(iterations: int) -> float:
        w = [torch.tensor(p, dtype=getattr(torch, dtype), requires_grad=True) for p in parameters]
        z, w1, b1, w2, b2 = w
        optimizer = torch.optim.SGD(w, lr=rate)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.9, patience=0, threshold=0.0
        )
        best_f, best_x = math.inf, torch.empty(0)
        begun = time.perf_counter()
        for _ in range(iterations):
            optimizer.zero_grad()
            y = torch.relu(z @ w1 + b1) @ w2 + b2
            x = -5.12 + 10.24 * torch.sigmoid(y)
            f = 10 * x.shape[-1] + (x * x - 10 * torch.cos(2 * math.pi * x)).sum(-1)
            loss = f.mean() / value_range
            loss.backward()
            optimizer.step()
            schedule.step(loss.detach())
            lowest, i = f.detach().min(0)
            if lowest < best_f:
                best_f, best_x = float(lowest), x[i].detach().clone()
        assert best_x.shape == b2.shape
        return time.perf_counter() - begun

    timed(20)
    return timed
