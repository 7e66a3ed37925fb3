"""Checkpoints as a stream: this project's folders, what Keras writes, models; and what is none."""

import threading
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from deepopt.generators import Architecture, CheckpointError, TrainSettings, checkpoints, train
from deepopt.generators.sources import open_checkpoints


@keras.saving.register_keras_serializable("deepopt-tests")
class Doubled(layers.Layer):
    """A layer of the user's own."""

    def call(self, x):
        return 2.0 * x


def small(seed=0, size=4, out=6):
    model = keras.Sequential(
        [
            keras.Input((3,)), layers.Dense(size), layers.BatchNormalization(), layers.ReLU(),
            layers.Dropout(0.5), Doubled(), layers.Dense(out), layers.Reshape((out // 2, 2)),
        ]
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    model.set_weights([rng.random(w.shape) for w in model.get_weights()])
    return model


def everything(source):
    """The weights of all checkpoints: the stream's and the last."""
    return [*source.stream(), source.read(len(source) - 1)]


def assert_same(found, model):
    for one, other in zip(found, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_folder_of_this_project(tmp_path):
    images = np.random.default_rng(0).random((20, 8, 8)).astype("float32")
    np.save(tmp_path / "images.npy", images)
    settings = TrainSettings(
        "vae", str(tmp_path / "images.npy"), latent_dim=2, steps=12, every=1, width=0.03,
        batch_size=4,
    )  # fmt: skip
    source = open_checkpoints(train(settings, tmp_path / "vae"))
    assert len(source) == 13
    assert (source.latent_dim, source.output_shape, source.prior) == (2, (8, 8, 1), "normal")
    stream = list(source.stream())
    shapes = [tuple(w.shape) for w in source.model.weights]
    assert len(stream) == 12  # all but the last
    for t in (0, 2, 11):
        kept = checkpoints.read_weights(tmp_path / f"vae/step-{t:05d}.npz", shapes)
        for one, other in zip(stream[t], kept, strict=True):
            np.testing.assert_array_equal(one, other)
    assert any(np.abs(a - b).max() > 0 for a, b in zip(stream[0], stream[11], strict=True))


def test_keras_files_come_in_natural_order(tmp_path):
    models = [small(seed) for seed in range(3)]
    for number, model in zip((1, 2, 10), models, strict=True):
        model.save(tmp_path / f"epoch-{number}.keras")
    source = open_checkpoints(tmp_path)
    for found, model in zip(everything(source), models, strict=True):
        assert_same(found, model)
    assert source.output_shape == (3, 2)
    listed = open_checkpoints([tmp_path / "epoch-10.keras", str(tmp_path / "epoch-2.keras")])
    assert_same(listed.read(0), models[1])
    assert_same(listed.read(1), models[2])


def test_weights_of_a_given_model_which_stays_as_it_was(tmp_path):
    models, mine = [small(seed) for seed in range(3)], small(9)
    for epoch, model in enumerate(models):
        model.save_weights(tmp_path / f"{epoch}.weights.h5")
    before = mine.get_weights()
    for found, model in zip(everything(open_checkpoints(tmp_path, mine)), models, strict=True):
        assert_same(found, model)
    for one, other in zip(before, mine.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("weights_only", [True, False])
def test_what_model_checkpoint_wrote(tmp_path, weights_only):
    model = small()
    model.compile("sgd", "mse")
    suffix = ".weights.h5" if weights_only else ".keras"
    keeper = keras.callbacks.ModelCheckpoint(
        tmp_path / ("model.{epoch:d}-{loss:.2f}" + suffix), save_weights_only=weights_only
    )
    x = np.random.default_rng(0).random((8, 3))
    model.fit(x, np.zeros((8, 3, 2)), epochs=11, verbose=0, callbacks=[keeper])
    source = open_checkpoints(tmp_path, small(5) if weights_only else None)
    assert len(source) == 11
    assert_same(source.read(10), model)


def test_models_and_a_single_one():
    models = [small(seed) for seed in range(2)]
    for found, model in zip(everything(open_checkpoints(models)), models, strict=True):
        assert_same(found, model)
    assert len(open_checkpoints(models[0])) == 1


def test_the_next_checkpoint_is_read_while_one_is_in_use():
    source = open_checkpoints([small(seed) for seed in range(4)])
    reading = [threading.Event() for _ in range(4)]
    read = source.read
    source.read = lambda t: (reading[t].set(), read(t))[1]
    stream = source.stream()
    next(stream)
    assert reading[1].wait(10)
    assert not reading[2].is_set()
    assert len(list(stream)) == 2
    assert not reading[3].is_set()


def test_files_that_are_no_checkpoints_are_named(tmp_path):
    model = small()
    model.save(tmp_path / "1.keras")
    small(1).save(tmp_path / "2.keras")
    (tmp_path / "0.keras").write_bytes((tmp_path / "1.keras").read_bytes()[:900])
    source = open_checkpoints(tmp_path)
    with pytest.raises(CheckpointError, match=r"0\.keras is damaged"):
        source.read(0)
    with pytest.raises(CheckpointError, match=r"0\.keras is damaged or no .keras file"):
        open_checkpoints(tmp_path / "0.keras")
    with pytest.raises(CheckpointError, match="does not exist"):
        open_checkpoints(tmp_path / "none")
    with pytest.raises(CheckpointError, match="is no file that exists"):
        open_checkpoints([tmp_path / "9.keras"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CheckpointError, match="holds no checkpoints"):
        open_checkpoints(empty)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match=r"must be .keras or .weights.h5 files.* got .*a\.txt"):
        open_checkpoints([tmp_path / "a.txt"])
    model.save_weights(tmp_path / "1.weights.h5")
    with pytest.raises(ValueError, match="holds both"):
        open_checkpoints(tmp_path)
    with pytest.raises(ValueError, match="need model="):
        open_checkpoints([tmp_path / "1.weights.h5"])


def _wired(order):
    """Inputs and hidden layer, one subtracted from the other."""
    x = keras.Input((3,))
    parts = [x, layers.Dense(3, "tanh")(x)]
    return keras.Model(x, layers.Subtract()(parts[::order]))


def test_functions_that_are_the_same_are_taken_whatever_they_say_of_training():
    built = [
        keras.Sequential([layers.Dense(4), layers.Dropout(0.1 * n, seed=n), layers.Dense(2)])
        for n in (1, 2)
    ]
    for n, model in enumerate(built):
        model(np.zeros((2 + n, 3), "float32"))
    assert len(open_checkpoints(built)) == 2


def test_networks_that_differ_in_more_than_weights_are_refused(tmp_path):
    """Weights of the same shapes in other layers would make a surf over another generator."""

    def activated(activation, **given):
        return keras.Sequential(
            [keras.Input((3,)), layers.Dense(4, activation, **given), layers.Dense(2)]
        )

    one, same = activated("relu", kernel_initializer="he_normal"), activated("relu", name="mine")
    other = activated("tanh")
    assert len(open_checkpoints([one, same])) == 2
    with pytest.raises(ValueError, match="one architecture: model 0 is another network"):
        open_checkpoints([other, one])
    for name, model in (("1", one), ("2", same)):
        model.save(tmp_path / f"{name}.keras")
    assert len(open_checkpoints(tmp_path)) == 2
    other.save(tmp_path / "0.keras")
    with pytest.raises(CheckpointError, match=r"0\.keras is of another network than .*2\.keras"):
        open_checkpoints(tmp_path)
    wired = [_wired(order) for order in (1, 1, -1)]
    assert len(open_checkpoints(wired[:2])) == 2
    with pytest.raises(ValueError, match="model 0 is another network"):
        open_checkpoints(wired[1:])
    with zipfile.ZipFile(tmp_path / "0.keras", "w") as archive:
        archive.writestr("config.json", '{"layers": 3}')
    with pytest.raises(CheckpointError, match=r"0\.keras is damaged or not of this generator"):
        open_checkpoints(tmp_path).read(0)
    small(1, size=5).save(tmp_path / "3.keras")
    with pytest.raises(CheckpointError, match=r"is of another network than .*3\.keras"):
        open_checkpoints([tmp_path / "1.keras", tmp_path / "3.keras"])


def test_a_model_that_is_of_no_use_is_said():
    for given in (small(), [small(1), small(2)]):
        with pytest.raises(ValueError, match="model is of no use beside Keras models"):
            open_checkpoints(given, small())


def test_code_in_a_file_is_not_run(tmp_path):
    import io

    model = keras.Sequential([keras.Input((3,)), layers.Lambda(lambda x: x), layers.Dense(2)])
    path = tmp_path / "evil.keras"
    model.save(path)
    with pytest.raises(CheckpointError, match="loads safely"):
        open_checkpoints(path)
    array = io.BytesIO()
    np.save(array, np.array([object()]), allow_pickle=True)
    folder = tmp_path / "own"
    folder.mkdir()
    sizes = Architecture("expansive", 2, (4,), hidden=(3,))
    checkpoints.write_config(folder, sizes, {})
    np.savez(folder / "step-00000.npz", a=np.array([object()]))
    with pytest.raises(CheckpointError, match="damaged or no checkpoint"):
        open_checkpoints(folder).read(0)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ([], ValueError, "at least one"),
        (5, TypeError, "must be a folder, a list"),
        ([1, 2], TypeError, "all be files or all be Keras models, got int"),
        ([small(), "a.keras"], TypeError, "all be files or all"),
        ([small(), small(size=5)], ValueError, "model 0 differ in shape"),
        (
            keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten()]),
            ValueError,
            r"no generator: it must map latents \(batch, k\)",
        ),
    ],
)
def test_what_is_no_list_of_checkpoints_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        open_checkpoints(given)


def test_outputs_at_a_checkpoint_and_what_is_none():
    generators = [Architecture("expansive", 3, (8,), hidden=(5,)).generator() for _ in range(2)]
    source = open_checkpoints(generators)
    latents = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
    for t in (0, 1, -1, -2):
        np.testing.assert_allclose(source.outputs(t, latents), generators[t](latents), rtol=1e-5)
    for t in (2, -3):
        with pytest.raises(ValueError, match=rf"t must be a checkpoint from 0 to 1, got {t}"):
            source.outputs(t, latents)
    with pytest.raises(ValueError, match=r"latents must be of shape \(N, 3\), got \(4, 2\)"):
        source.outputs(0, latents[:, :2])
