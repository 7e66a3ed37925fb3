r"""
Reparametrizations: easing
==========================

To minimise f(x), put :math:`x = g(w)` and descend w. Gradient descent on w moves x by

.. math:: \dot x = J \dot w = -J J^\top \nabla f(x), \qquad J = \partial g / \partial w,

so that a reparametrization is gradient descent in another metric, which changes on the way. Where
J has full rank there are no new minima; where it has not, there may be saddles. The smallest
example is :math:`x = w_1 w_2`, with :math:`J J^\top = w_1^2 + w_2^2` (Lopez-Paz & Sagun, 2018,
section 2).
"""

import matplotlib.pyplot as plt
import numpy as np

from deepopt import plots


def parabola(w):
    """x^2 over w."""
    return (w[..., 0] * w[..., 1]) ** 2


def well(w):
    """(x^2 - 1)^2 over w: a double well in x."""
    return ((w[..., 0] * w[..., 1]) ** 2 - 1) ** 2


box = [(-2, 2)] * 2
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
titles = "$f = x^2$: its minima fill both axes", "$f = (x^2 - 1)^2$"
for ax, function, title in zip(axes, (parabola, well), titles, strict=True):
    plots.landscape(function, ax=ax, bounds=box)
    ax.set(title=title, xlabel="$w_1$", ylabel="$w_2$")

# %%
# The double well keeps its barrier: whoever goes from :math:`x = -1` to :math:`x = 1` passes
# :math:`x = 0`, in any coordinates, since x(w) is continuous. So the remark of the paper that
# added dimensions take barriers away does not hold for the values of f along a path. What changes
# is where a descent begins and how it moves.
#
# The deep reparametrization
# --------------------------
#
# ``deep`` makes n points from n embeddings by one network, :math:`x_i = g_\theta(z_i)`, and
# descends the embeddings and the weights. The points then no longer move by themselves: the
# gradient at one of them moves all, by the blocks of :math:`J J^\top`. For one coordinate of the
# output, :math:`x_i = v \cdot h_i + c` with :math:`h_i = \mathrm{relu}(W z_i + b)`,
#
# .. math::
#
#     (J J^\top)_{ij} = h_i \cdot h_j + 1
#         + (z_i \cdot z_j + 1) \sum_{u \text{ active in } i, j} v_u^2
#         + \delta_{ij}\, |W_i^\top v|^2,
#
# the last term for the point's own embedding. Here it is at the start, for twenty points.

rng = np.random.default_rng(0)
n, width = 20, 10
z, W, b, v = (rng.normal(size=shape) for shape in ((n, width), (width, width), width, width))
W, b, v = W / np.sqrt(width), b / np.sqrt(width), v / np.sqrt(width)
hidden = np.maximum(z @ W.T + b, 0)
active = (hidden > 0) * v
own = np.sum((active @ W) ** 2, axis=1)
kernel = hidden @ hidden.T + 1 + (z @ z.T + 1) * (active @ active.T) + np.diag(own)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
image = left.imshow(kernel, cmap="viridis")
figure.colorbar(image, ax=left, label="$(J J^\\top)_{ij}$")
left.set(title="How the points move one another", xlabel="point j", ylabel="point i")
right.plot(np.arange(1, n + 1), np.linalg.eigvalsh(kernel)[::-1], "o-", markersize=4)
right.set(title="Its eigenvalues", xlabel="direction", ylabel="how fast it moves", yscale="log")
fastest = np.linalg.eigh(kernel)[1][:, -1]
print("all points the same way:", abs(np.sign(fastest).sum()) == n)

# %%
# The fastest direction moves all points the same way, hundreds of times as fast as the slowest
# moves some of them apart. That is a preconditioner. It carries the swarm along the mean gradient
# at a multiple of the rate of single points, which is why the deep optimizer is faster on broad
# bowls, and why it gains nothing, or loses, where the points have to part (:doc:`/reproduction`).
# It also begins near the centre of the box, so that a benchmark whose minimum lies there flatters
# it.
