"""Generators: their networks, trainings that repeat and go on exactly, images, the command."""

import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from keras import ops

from deepopt import _backend
from deepopt.generators import (
    Architecture,
    CheckpointError,
    TrainSettings,
    architectures,
    checkpoints,
    load_images,
    train,
)
from deepopt.generators.images import read_arrays
from deepopt.generators.training import CLIP, KINDS, Draws, Network, Training

SHAPE = (12, 8, 1)


def drawn_images(count=40, shape=SHAPE, seed=0):
    """Bright bars of random height on a dark ground, uint8."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, *shape), "uint8")
    for image in images:
        image[: rng.integers(2, shape[0]), rng.integers(0, shape[1] - 2) :][:, :3] = 220
    return images


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "bars.npz"
    np.savez(path, images=drawn_images())
    return str(path)


def tiny(model, data, **given):
    settings = {"latent_dim": 2, "steps": 4, "every": 2, "width": 0.05, "batch_size": 8} | given
    return TrainSettings(model, data, **settings)


def in_training(model, seed=0, width=0.05, images=None):
    images = drawn_images() / np.float32(255) if images is None else images
    sizes = Architecture("infogan", 2, SHAPE, width=width, prior=KINDS[model].prior)
    return Training(KINDS[model], sizes, images.astype("float32"), 8, seed)


# Networks


def test_the_generator_has_the_sizes_of_infogan():
    model = Architecture("infogan", 5, (28, 28, 1)).generator()
    shapes = [tuple(w.shape) for w in model.trainable_variables if w.name == "kernel"]
    assert shapes == [(5, 1024), (1024, 6272), (4, 4, 64, 128), (4, 4, 1, 64)]
    assert model.output_shape == (None, 28, 28, 1)
    half = Architecture("infogan", 20, (28, 28, 3), width=0.5).generator()
    assert tuple(half.weights[0].shape) == (20, 512)
    assert half.output_shape == (None, 28, 28, 3)


def test_the_expansive_network_is_that_of_the_paper():
    sizes = Architecture("expansive", 3, (400,), hidden=(100, 200))
    model = sizes.generator()
    architectures.initialise(model, "expansive", np.random.default_rng(0))
    w1, b1, w2, b2, v = model.get_weights()
    x = np.random.default_rng(1).standard_normal((4, 3)).astype("float32")
    hidden = np.maximum(np.maximum(x @ w1 + b1, 0) @ w2 + b2, 0)
    np.testing.assert_allclose(np.asarray(model(x)), hidden @ v, atol=1e-5)
    for weights, size in ((w1, 100), (w2, 200), (v, 400)):
        assert np.std(weights) * size**0.5 == pytest.approx(1.0, abs=0.15)
    assert np.std(np.concatenate([b1 * 10, b2 * 200**0.5])) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("infogan", 5, (27, 28, 1)), "multiples of 4"),
        (("infogan", 5, (28, 28)), "output_shape must be"),
        (("infogan", 0, (28, 28, 1)), "latent_dim must be at least 1"),
        (("resnet", 5, (28, 28, 1)), "kind must be one of"),
        (("expansive", 5, (28, 28, 1)), "output_shape must be \\(n,\\)"),
    ],
)
def test_architectures_that_cannot_be_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Architecture(*given)


# Training


@pytest.mark.parametrize("model", KINDS)
@pytest.mark.backends
def test_a_step_changes_what_its_turns_change_and_nothing_else(model):
    with _backend.precision("float32"):
        training = in_training(model)
        before = training.arrays()
        losses = training.advance()
        after = training.arrays()
    assert len(losses) == len(KINDS[model].names)
    assert np.isfinite(losses).all()
    for name in ("critic/trainable", "generator/trainable"):
        moved = [np.abs(a - b).max() for a, b in zip(after[name], before[name], strict=True)]
        assert max(moved) > 0
    if model == "wgan":
        assert max(np.abs(w).max() for w in after["critic/trainable"]) <= CLIP
    assert all(np.isfinite(a).all() for parts in after.values() for a in parts)


def test_a_vae_learns():
    with _backend.precision("float32"):
        training = in_training("vae", width=0.2)
        losses = [training.advance()[0] for _ in range(150)]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])


def test_the_loss_of_a_vae_is_the_evidence_lower_bound():
    with _backend.precision("float32"):
        training = in_training("vae")
        rng = np.random.default_rng(3)
        images = drawn_images(8)[:8] / np.float32(255)
        noise = rng.standard_normal((8, 2)).astype("float32")
        networks = {
            name: Network(training._models[name], *training._weights[name])
            for name in ("critic", "generator")
        }
        draws = Draws(*(_backend.to_tensor(a, "float32") for a in (images, noise, noise)))
        code = np.asarray(networks["critic"](draws.images))
        found = float(KINDS["vae"].turns[0].loss(networks, draws))
        mean, spread = code[:, :2], np.exp(code[:, 2:] / 2)
        latents = _backend.to_tensor(mean + spread * noise, "float32")
        made = np.clip(np.asarray(networks["generator"](latents), "float64"), 1e-7, 1 - 1e-7)
    likelihood = (images * np.log(made) + (1 - images) * np.log(1 - made)).sum(axis=(1, 2, 3))
    divergence = 0.5 * (mean**2 + spread**2 - 2 * np.log(spread) - 1).sum(axis=1)
    assert found == pytest.approx(float(np.mean(divergence - likelihood)), rel=1e-4)


@pytest.mark.backends
def test_the_gradient_penalty_is_that_of_the_critic():
    with _backend.precision("float32"):
        training = in_training("wgan-gp")
        images = (drawn_images(8)[:8] / 255).astype("float32")
        weights = np.random.default_rng(0).standard_normal(images[0].size).astype("float32")

        def critic(x):
            return ops.reshape(x, (8, -1)) @ ops.convert_to_tensor(weights[:, None])

        networks = {"critic": critic, "generator": lambda z: ops.zeros((8, *SHAPE))}
        latents, mix = np.zeros((8, 2)), np.full((8, 1, 1, 1), 0.3)
        draws = Draws(*(_backend.to_tensor(a, "float32") for a in (images, latents, mix)))
        found = float(_backend.to_numpy(training._kind.turns[0].loss(networks, draws)))
    penalty = 10.0 * (np.linalg.norm(weights) - 1.0) ** 2
    real = float(np.mean(images.reshape(8, -1) @ weights))
    assert found == pytest.approx(penalty - real, rel=1e-3)


@pytest.mark.backends
def test_the_first_weights_do_not_depend_on_the_backend():
    with _backend.precision("float32"):
        first = in_training("dcgan", seed=7).generator_weights()
    drawn = 0.02 * np.random.default_rng([7, 0]).standard_normal(first[0].shape)
    np.testing.assert_array_equal(first[0], drawn.astype("float32"))


# Files


@pytest.mark.parametrize("model", KINDS)
def test_a_training_repeats_and_goes_on_exactly(tmp_path, data, model):
    whole = train(tiny(model, data, steps=6), tmp_path / "whole")
    parts = train(tiny(model, data, steps=3), tmp_path / "parts")
    assert (parts / "step-00003.npz").exists()
    train(tiny(model, data, steps=6), parts)
    assert {path.name for path in whole.iterdir()} == {path.name for path in parts.iterdir()}
    names = sorted(path.name for path in whole.iterdir() if path.suffix in (".npz", ".csv"))
    assert names == [
        "losses.csv", "step-00000.npz", "step-00002.npz", "step-00004.npz", "step-00006.npz",
        "training.npz",
    ]  # fmt: skip
    sizes, _ = checkpoints.read_config(whole)
    shapes = [w.shape for w in sizes.generator().weights]
    for name in names[1:5]:
        for one, other in zip(
            checkpoints.read_weights(whole / name, shapes),
            checkpoints.read_weights(parts / name, shapes),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)
    assert (whole / "losses.csv").read_text() == (parts / "losses.csv").read_text()


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x")])
@pytest.mark.parametrize("steps", [4, 6])
def test_a_training_that_has_lost_a_checkpoint_says_so(tmp_path, data, harm, steps):
    out = train(tiny("vae", data, steps=4), tmp_path / "out")
    kept = (out / "step-00002.npz").read_bytes()
    harm(out / "step-00002.npz")
    with pytest.raises(CheckpointError, match=r"step-00002.npz is damaged or missing.*delete"):
        train(tiny("vae", data, steps=steps), out)
    (out / "training.npz").unlink()
    train(tiny("vae", data, steps=4), out)
    assert (out / "step-00002.npz").read_bytes() == kept


def test_what_is_no_setting_is_refused(tmp_path):
    with pytest.raises(TypeError, match="settings must be TrainSettings, got 'vae'"):
        train("vae", tmp_path / "out")
    with pytest.raises(TypeError, match="data must be a name or a path, got None"):
        TrainSettings("vae", None)


def test_a_killed_training_leaves_whole_files_and_goes_on(tmp_path, data):
    command = [
        sys.executable, "-m", "deepopt.cli", "train", "vae", "--data", data, "--width", "0.05",
        "--latent-dim", "2", "--batch-size", "8", "--every", "1",
    ]  # fmt: skip
    killed = tmp_path / "killed"
    process = subprocess.Popen([*command, "--steps", "100000", "--out", killed])
    try:
        deadline = time.monotonic() + 120
        while not (killed / "step-00005.npz").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    reached = len(checkpoints.steps_of(killed)) - 1
    steps = str(reached + 2)
    done = subprocess.run(
        [*command, "--steps", steps, "--out", killed], capture_output=True, text=True, check=True
    )
    assert f"{reached + 3} checkpoints" in done.stdout
    fresh = train(tiny("vae", data, every=1, steps=reached + 2), tmp_path / "fresh")
    name = f"step-{reached + 2:05d}.npz"
    shapes = [w.shape for w in checkpoints.read_config(fresh)[0].generator().weights]
    for one, other in zip(
        checkpoints.read_weights(killed / name, shapes),
        checkpoints.read_weights(fresh / name, shapes),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_a_full_disk_keeps_what_is_finished(tmp_path, data):
    def little_space():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    out = tmp_path / "full"
    done = subprocess.run(
        [
            sys.executable, "-m", "deepopt.cli", "train", "vae", "--data", data, "--width", "0.05",
            "--latent-dim", "2", "--batch-size", "8", "--steps", "4", "--every", "2", "--out", out,
        ],
        capture_output=True, text=True, preexec_fn=little_space, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "checkpoints are kept in" in done.stderr.strip().splitlines()[-1]
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_weights_come_back_as_they_were_kept(tmp_path, dtype):
    weights = [np.random.default_rng(0).standard_normal((3, 4)).astype("float32"), np.ones(2, "f")]
    path = tmp_path / "w.npz"
    checkpoints.write_weights(path, weights, dtype)
    for kept, weight in zip(checkpoints.read_weights(path, [(3, 4), (2,)]), weights, strict=True):
        assert kept.dtype == np.float32
        np.testing.assert_array_equal(kept, weight.astype(dtype).astype("float32"))


def test_damaged_and_foreign_checkpoints_are_named(tmp_path):
    path = tmp_path / "w.npz"
    good = [np.ones((3, 4), "float32")]
    checkpoints.write_weights(path, good, "float32")
    with pytest.raises(CheckpointError, match=r"w\.npz has weights 3×4 \(1 arrays\), expected 4×3"):
        checkpoints.read_weights(path, [(4, 3)])
    with pytest.raises(CheckpointError, match="does not exist"):
        checkpoints.read_weights(tmp_path / "none.npz", [])
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match="damaged or no checkpoint"):
        checkpoints.read_weights(path, [(3, 4)])
    np.savez(path, a=np.array(["a"]))
    with pytest.raises(CheckpointError, match="more than weights"):
        checkpoints.read_weights(path, [(3, 4)])
    checkpoints.write_weights(path, [np.full((3, 4), np.nan)], "float32")
    with pytest.raises(CheckpointError, match="not finite"):
        checkpoints.read_weights(path, [(3, 4)])


def test_another_training_is_not_mixed_in(tmp_path, data):
    folder = train(tiny("vae", data, steps=2), tmp_path / "one")
    with pytest.raises(ValueError, match=r"another training .*seed 0 there, 1 here"):
        train(tiny("vae", data, steps=2, seed=1), folder)
    (folder / "training.npz").write_bytes(b"no")
    with pytest.raises(CheckpointError, match=r"training\.npz is damaged"):
        train(tiny("vae", data, steps=4), folder)
    (folder / "generator.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"generator\.json is damaged"):
        train(tiny("vae", data, steps=4), folder)


# Images


def test_images_come_from_many_kinds_of_files(tmp_path):
    from matplotlib.image import imsave

    images = drawn_images(12)
    np.save(tmp_path / "a.npy", images[..., 0])
    np.savez(tmp_path / "a.npz", x_train=images, y_train=np.zeros(12))
    np.savez(tmp_path / "one.npz", anything=images / 255)
    pictures = tmp_path / "png"
    pictures.mkdir()
    for index, image in enumerate(images):
        imsave(pictures / f"{index}.png", np.repeat(image, 3, axis=-1))
    for index in range(0, 12, 2):
        (pictures / f"{index}.png").rename(pictures / f"{index}.PNG")
    for source in ("a.npy", "a.npz", "one.npz", "png"):
        found = load_images(tmp_path / source)
        assert found.shape == (12, *SHAPE)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, images / 255, atol=1e-6)
    np.testing.assert_allclose(load_images(pictures / "3.png")[0], images[3] / 255, atol=1e-6)
    masks = (images > 127).astype("int64")
    np.save(tmp_path / "masks.npy", masks)
    np.testing.assert_array_equal(load_images(tmp_path / "masks.npy"), masks)
    np.testing.assert_array_equal(read_arrays(tmp_path / "masks.npy"), masks)


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        ("none.npz", lambda path: None, "neither 'fashion_mnist' nor"),
        ("empty", lambda path: path.mkdir(), "no .png files"),
        ("bad.png", lambda path: path.write_bytes(b"no"), "not a readable PNG"),
        ("bad.npy", lambda path: path.write_bytes(b"no"), "not a readable NumPy"),
        ("a.txt", lambda path: path.write_text("x"), "must be .npz"),
        ("flat.npy", lambda path: np.save(path, np.zeros(5)), "must be numbers of shape"),
        ("big.npy", lambda path: np.save(path, np.full((2, 4, 4), 7.0)), "must lie in"),
        ("nan.npy", lambda path: np.save(path, np.full((2, 4, 4), np.nan)), "not all finite"),
        ("words.npy", lambda path: np.save(path, np.full((2, 4, 4), "a")), "must be numbers"),
        ("two.npz", lambda path: np.savez(path, a=np.ones(2), b=np.ones(2)), "holds a, b"),
        ("odd.npy", lambda path: np.save(path, np.zeros((9, 27, 28))), "multiples of 4"),
    ],
)
def test_data_that_are_no_images_are_refused(tmp_path, name, write, words):
    path = tmp_path / name
    write(path)
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        train(tiny("vae", str(path)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"latent_dim": 97}, "latent_dim must be at most the 96 numbers"),
        ({"width": 0}, "width must be above 0"),
        ({"width": float("inf")}, "width must be .* at most 16"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"dtype": "int8"}, "dtype must be one of"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, data, given, words):
    with pytest.raises((ValueError, TypeError), match=words):
        train(tiny("vae", data, **given), tmp_path / "out")


def test_the_command_refuses_an_unknown_model_in_one_line(tmp_path, data):
    done = subprocess.run(
        [sys.executable, "-m", "deepopt.cli", "train", "gpt", "--data", data, "--out", tmp_path],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "Error: model must be one of 'vae', 'dcgan', 'wgan', 'wgan-gp', got 'gpt'"
    )
