r"""
Surfing a generator
===================

To invert a trained generator is to minimise :math:`f_T(x) = \tfrac12 |A\,G_{\theta_T}(x) -
A\,y|^2`. Its landscape is hard; that of the untrained network is not. *Surfing* (Song, Fan &
Lafferty, 2019) follows the minimiser through the training, :math:`\theta_0, …, \theta_T`:
Algorithm 1 descends on each :math:`f_t` from the minimiser of the last.

The start: Theorem 3.1
----------------------

For a random network whose layers widen enough, :math:`f_0` falls towards the origin from
everywhere outside a ball of radius :math:`O(\varepsilon)(1 + |y|)`, whatever y is. So its
minimiser is easy to find. The surfaces are those of :math:`f_0` over two latents, for networks
that widen by 2, 8 and 64 in each layer.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np

from deepopt import plots
from deepopt.linear_pieces import ReluNetwork, pieces_near


def random_network(rng, sizes):
    """V ~ N(0, 1/n), W_i and b_i ~ N(0, 1/n_i): the theorem's."""
    weights = [rng.normal(size=(b, a)) / np.sqrt(b) for a, b in itertools.pairwise(sizes)]
    biases = [rng.normal(size=len(w)) / np.sqrt(len(w)) for w in weights[:-1]]
    return ReluNetwork(tuple(weights[:-1]), tuple(biases), weights[-1], np.zeros(sizes[-1]))


def outputs(network, x):
    """G(x) (..., n) of latents (..., k)."""
    for weight, bias in zip(network.weights, network.biases, strict=True):
        x = np.maximum(x @ weight.T + bias, 0)
    return x @ network.last.T + network.shift


axis = np.linspace(-3, 3, 81)
grid = np.stack(np.meshgrid(axis, axis), axis=-1)
figure = plt.figure(figsize=(11, 3.8), layout="constrained")
for column, widening in enumerate((2, 8, 64), 1):
    rng = np.random.default_rng(1)
    network = random_network(rng, (2, 2 * widening, 2 * widening**2 if widening < 64 else 512, 100))
    y = rng.normal(size=100) / 10
    f = 0.5 * np.sum((outputs(network, grid) - y) ** 2, axis=-1)
    ax = plots.surface(axis, -f, ax=figure.add_subplot(1, 3, column, projection="3d"))
    ax.set_title(f"widening by {widening}")

# %%
# The figures show :math:`-f_0`, as the paper's Figure 1 does: a summit near the origin.
#
# On the way: Theorem 3.3
# -----------------------
#
# A ReLU network is linear on each of many polytopes, so that f is a convex quadratic there.
# Algorithm 2 goes from the minimiser on one network to the best point of the pieces around it on
# the next. Where the global minimiser moves without jumps, and the networks differ by less than
# :math:`\delta < \tau / (L \max(M, 1)^{d+1})`, it stays on it. Which pieces are around a point?
# Those that can be reached by switching neurons within :math:`\pm\tau` of their threshold. There
# are few of them only while :math:`\tau` is small.

rng = np.random.default_rng(0)
slacks = (0.003, 0.01, 0.03, 0.1, 0.3)
counts = {}
for k in (2, 5):
    network = random_network(rng, (k, 10 * k, 20 * k, 50))
    points = rng.normal(size=(5, k))
    counts[f"k = {k}, {30 * k} neurons"] = (
        slacks,
        [np.mean([len(pieces_near(network, x, tau=tau)[0]) for x in points]) for tau in slacks],
    )
ax = plt.subplots(figsize=(6, 3.8), layout="constrained")[1]
plots.curves(counts, ax=ax, xlabel="slack $\\tau$", ylabel="pieces, mean of five")

# %%
# What can be proved is the step along a flow that is known to behave. Whether a training is such
# a flow is not; the suites ``deepopt bench theory`` and ``surfing`` look at both:
# :doc:`/surfing`.
