"""`deepopt train` and `deepopt invert`."""

from __future__ import annotations

import sys
from typing import Any

import click

from ._names import MODELS, WAYS, Name
from ._shared import INTERRUPTED, apart, as_json, free_options, given, plainly, print_json, seeded


@click.command(
    short_help="Train a generator and keep its checkpoints.",
    epilog="Ctrl-C or a kill keeps every finished checkpoint, and the same command continues; more "
    "--steps continue a finished training.",
)
@click.argument("model", metavar="{vae,dcgan,wgan,wgan-gp}", type=Name(MODELS))
@click.option("--data", required=True, metavar="fashion_mnist|PATH", help="Images to learn from.")
@click.option("--out", required=True, metavar="DIR", help="Folder for the checkpoints.")
@click.option("--latent-dim", type=int, default=5, show_default=True, help="Length of a latent.")
@click.option("--steps", type=int, default=4000, show_default=True, help="Of training.")
@click.option("--every", type=int, default=40, show_default=True, help="Steps per checkpoint.")
@click.option("--width", type=float, default=1.0, show_default=True, help="Factor on all layers.")
@click.option("--batch-size", type=int, default=64, show_default=True, help="Images per step.")
@seeded
@click.option("--dtype", default="float32", show_default=True, help="On disk; or float16.")
@plainly
def train(model: str, out: str, **settings: Any) -> None:
    """Train a generator and keep its checkpoints in DIR, from before the first step on.

    DIR also gets the losses and, now and then, a grid of samples. PATH is an .npz or .npy file, a
    PNG file or a folder of them; fashion_mnist is downloaded once.

    \b
    deepopt train vae --data fashion_mnist --out checkpoints/vae
    deepopt train dcgan --data photos/ --out checkpoints/dcgan --latent-dim 20 --steps 10000
    """  # noqa: D301 - click's mark for lines that stay as they are
    from ..generators import TrainSettings
    from ._training import train_with_progress

    train_with_progress(TrainSettings(model, **settings), out)


@click.command(
    short_help="Find the latents behind images.",
    epilog="DIR gets latents.npy, reconstructions.npy, result.json, and picture.png with the "
    "targets, what was found, and the way through the checkpoints.",
)
@click.argument("checkpoints", type=click.Path(path_type=str))
@click.argument(
    "images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(path_type=str)
)
@click.option("--method", default="direct", show_default=True, type=Name(WAYS),
              help="direct, surf or projected-surf.")  # fmt: skip
@click.option("--solver", type=Name(("lm", "adam", "gd")), help="lm, adam or gd.  [default: lm]")
@click.option("--starts", type=Name(("codebook", "random", "zero")),
              help="codebook, random or zero.  [default: codebook]")  # fmt: skip
@click.option("--n-starts", type=int, help="Starts per image at most.  [default: 30]")
@click.option("--latent-bounds", type=float, metavar="R", help="Latents stay in [-R, R].")
@free_options
@seeded
@click.option("--maxtime", type=float, help="Wall seconds at most, compilation included.")
@click.option("--out", default="deepopt-invert", show_default=True, metavar="DIR",
              help="Folder for the results.")  # fmt: skip
@as_json
@plainly
def invert(
    checkpoints: str, images: tuple[str, ...], out: str, method: str, seed: int, json_: bool,
    option: tuple[str, ...], **more: Any,
) -> None:  # fmt: skip
    """Find the latents behind images: CHECKPOINTS is a folder of `deepopt train`, or Keras files.

    An IMAGE is a .png, .npy or .npz file, with one image or a batch.

    \b
    deepopt invert checkpoints/vae shirt.png
    deepopt invert checkpoints/vae batch.npy --method surf --solver adam --out found
    """  # noqa: D301
    from .._invert import InvertOptions, invert_files, summary
    from .._support.results import Status
    from .._tune import check_known, read_settings

    options = read_settings("option", option) | given(more)
    check_known(options, InvertOptions, "invert")
    options = {"disp": not json_} | options
    with apart(json_):
        result = invert_files(checkpoints, images, out, method, options=options, rng=seed)
    if json_:
        print_json(summary(result) | {"out": out})
    else:
        click.echo(f"latents.npy, reconstructions.npy, result.json, picture.png are in {out}")
    if not result.success.all():
        click.echo(result.message, err=True)
    if (result.status == Status.INTERRUPTED).any():
        sys.exit(INTERRUPTED)
