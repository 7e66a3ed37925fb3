"""A plain-NumPy twin of the loop: slow, written from the papers, the oracle of the fast one."""

from __future__ import annotations

import numpy as np


def quadratic_waves(x):
    """f (n,) and its gradient (n, d): Σ (x - 0.3)² + 0.2 Σ sin 7x."""
    f = ((x - 0.3) ** 2).sum(-1) + 0.2 * np.sin(7 * x).sum(-1)
    return f, 2 * (x - 0.3) + 1.4 * np.cos(7 * x)


def sigmoid(y):
    s = 1 / (1 + np.exp(-y))
    return s, s * (1 - s)


def reflect(y):
    phase = np.mod(y, 2)
    return np.where(phase <= 1, phase, 2 - phase), np.where(phase <= 1, 1.0, -1.0)


MAPS = {"sigmoid": sigmoid, "reflect": reflect}


def direct(w, output_map):
    u, slope = MAPS[output_map](w[0])
    return u, lambda cotangent: [cotangent * slope]


def deep(w, output_map):
    """§3.2: embeddings → [Linear → ReLU] × n_l → Linear → map, and its pull-back."""
    hidden = [w[0]]
    for weight, bias in zip(w[1:-2:2], w[2:-2:2], strict=True):
        hidden.append(np.maximum(hidden[-1] @ weight + bias, 0))
    u, slope = MAPS[output_map](hidden[-1] @ w[-2] + w[-1])

    def pull(cotangent):
        grads, delta = [], cotangent * slope
        for level in range(len(hidden) - 1, -1, -1):
            weight = w[1 + 2 * level]
            grads = [hidden[level].T @ delta, delta.sum(0, keepdims=True), *grads]
            delta = delta @ weight.T
            if level:
                delta = delta * (hidden[level] > 0)
        return [delta, *grads]

    return u, pull


def gradient_descent(g, memory, rate, t):
    return [rate * a for a in g], memory


def momentum(g, memory, rate, t):
    memory = memory or [np.zeros_like(a) for a in g]
    memory = [0.9 * v + a for v, a in zip(memory, g, strict=True)]
    return [rate * v for v in memory], memory


def adam(g, memory, rate, t):
    m, v = memory or ([np.zeros_like(a) for a in g], [np.zeros_like(a) for a in g])
    m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
    v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
    step = [
        rate * (a / (1 - 0.9 ** (t + 1))) / (np.sqrt(b / (1 - 0.999 ** (t + 1))) + 1e-8)
        for a, b in zip(m, v, strict=True)
    ]
    return step, (m, v)


def run(f, points, step, w, rate, iterations, lower, upper, value_range, output_map, decay):
    """Best value after each iteration (iterations,), and the final variables."""
    best, best_loss, memory, trace = np.inf, np.inf, None, []
    for t in range(iterations):
        u, pull = points(w, output_map)
        values, gradient = f(lower + (upper - lower) * u)
        best = min(best, values.min())
        trace.append(best)
        n = len(values)
        updates, memory = step(
            pull(gradient * (upper - lower) / (n * value_range)), memory, rate, t
        )
        w = [a - b for a, b in zip(w, updates, strict=True)]
        loss = values.mean() / value_range
        if loss < best_loss:
            best_loss = loss
        else:
            rate *= decay
    return np.array(trace), w
