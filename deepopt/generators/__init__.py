"""Generators: architectures, training with checkpoints, and what is kept of it on disk.

>>> from deepopt.generators import Architecture
>>> Architecture("expansive", 3, (50,), hidden=(20, 30)).generator().output_shape
(None, 50)
"""

from ._train import TrainSettings, train
from .architectures import Architecture
from .checkpoints import CheckpointError
from .images import load_images
from .sources import Source, open_checkpoints

__all__ = [
    "Architecture", "CheckpointError", "Source", "TrainSettings", "load_images", "open_checkpoints",
    "train",
]  # fmt: skip
