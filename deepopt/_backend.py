"""Everything that differs between TensorFlow, JAX and PyTorch; the only file that knows a backend.

The rest of the package is written in ``keras.ops`` and in the few functions below:
compilation, derivatives, stateless random numbers, precision, and moving arrays in and out.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ._support.checks import warn
from ._support.interrupts import check, is_pending


@contextlib.contextmanager
def _without_startup_noise() -> Iterator[None]:
    """Drop the log lines that TensorFlow's libraries write to stderr before any setting counts."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    noise = re.compile(
        rb"^(WARNING: All log messages before absl|To enable the following instructions:"
        rb"|[IWE]\d{4} \d\d:\d\d:\d\d)"
    )
    try:
        saved = os.dup(2)
    except OSError:  # there is no stderr to keep clean
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as captured, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            captured.seek(0)
            for line in captured:
                if not noise.match(line):
                    os.write(2, line)


def is_loaded() -> bool:
    """Whether Keras, and with it a backend, is there already."""
    return "keras" in sys.modules


@functools.cache
def _load() -> ModuleType:
    """Keras; the first time it takes seconds."""
    with _without_startup_noise():
        try:
            import keras
        except ModuleNotFoundError as error:
            if error.name not in ("tensorflow", "jax", "torch"):
                raise
            raise ImportError(
                f"the Keras backend {error.name!r} is not installed; install {error.name}, or set "
                "KERAS_BACKEND to another one"
            ) from None
    loaded: ModuleType = keras
    return loaded


class _Late:
    """A module of Keras that is loaded when something of it is asked for first."""

    def __init__(self, path: Sequence[str]) -> None:
        self._path = path

    def module(self) -> ModuleType:
        found: Any = _load()
        for part in self._path:
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # what looks for those wants no backend
            raise AttributeError(attribute)
        found = getattr(self.module(), attribute)
        setattr(self, attribute, found)
        return found


keras: Any = _Late(())
ops: Any = _Late(("ops",))


@functools.cache
def _narrowed() -> dict[str, str]:
    """Keras' table of the types that float64 and its like become."""
    try:
        from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE
    except ImportError as error:
        raise ImportError(
            f"deepopt does not know Keras {keras.__version__}: its table of float64 types has moved"
        ) from error
    table: dict[str, str] = BIT64_TO_BIT32_DTYPE
    return table


Tensor = Any
Tensors = list[Any]
STEP, AGREES = 2.0**-9, 0.1  # of differences; relative error that is put down to them
FLOATS = ("float64", "float32")
TURN = threading.RLock()  # precision is global: calls from several threads take turns
_scope = threading.local()  # .asked is the precision in effect, if any: JAX keeps one per thread


@functools.cache
def name() -> str:
    """The active Keras backend: "tensorflow", "jax" or "torch"."""
    return str(keras.config.backend())


PRODUCTS = ("full", "tf32")  # how products are rounded; TF32 keeps 11 bits of their factors


@contextlib.contextmanager
def precision(dtype: str, products: str | None = None) -> Iterator[None]:
    """Compute in `dtype`: constants that a user's function creates, results of ops, JAX arrays.

    `products` says how matrix products and convolutions round: "full" with all bits of their type,
    "tf32" with fewer where a GPU is faster so; None as in the scope around, else "full".

    The settings are global to Keras and to its backend, so that calls of `deepopt.minimize` take
    turns.

    Off TensorFlow, Keras narrows the result of many ops (cos, tanh, matmul, …) from float64 to
    float32 by a table of its own; in this scope that table keeps float64.
    """
    outer: tuple[str | None, str] = getattr(_scope, "asked", (None, "full"))
    asked = dtype, products or outer[1]
    if asked == outer and _in_effect(*asked):
        yield
        return
    before, narrowed = keras.config.floatx(), dict(_narrowed())
    keras.config.set_floatx(dtype)
    _narrowed()["float64"] = "float64"
    _scope.asked = asked
    try:
        with _rounding(asked[1]):
            if name() == "jax":
                import jax

                with jax.enable_x64(True):  # for float32 too: switching confuses JAX's own caches
                    yield
            else:
                yield
    finally:
        _scope.asked = outer
        keras.config.set_floatx(before)
        _narrowed().update(narrowed)


def _in_effect(dtype: str, products: str) -> bool:
    """Whether nobody has changed, inside a scope of this precision, what the scope has set."""
    if keras.config.floatx() != dtype or _narrowed()["float64"] != "float64":
        return False
    if name() == "tensorflow":
        import tensorflow as tf

        allowed = tf.config.experimental.tensor_float_32_execution_enabled()
        return bool(allowed == (products == "tf32"))
    if name() == "jax":
        import jax

        rounds = jax.config.jax_default_matmul_precision == _JAX_ROUNDS[products]
        return bool(rounds and jax.config.jax_enable_x64)
    return _torch_rounds(products)


_JAX_ROUNDS = {"full": "highest", "tf32": "tensorfloat32"}
_TORCH_ROUNDS = {"full": ("ieee", "highest"), "tf32": ("tf32", "high")}  # its two vocabularies


@contextlib.contextmanager
def _rounding(products: str) -> Iterator[None]:
    """Round products so; in the end the backend's settings are what they were."""
    if name() == "tensorflow":
        import tensorflow as tf

        settings = tf.config.experimental
        before = settings.tensor_float_32_execution_enabled()
        settings.enable_tensor_float_32_execution(products == "tf32")
        try:
            yield
        finally:
            settings.enable_tensor_float_32_execution(before)
    elif name() == "jax":
        import jax

        with jax.default_matmul_precision(_JAX_ROUNDS[products]):
            yield
    else:
        undo = _torch_round(products)
        try:
            yield
        finally:
            undo()


GENERAL = 2  # of the places that follow


@functools.cache
def _torch_places() -> list[Any]:
    """Where PyTorch keeps its rounding, the general before the particular; none before 2.9."""
    import torch

    every = torch.backends
    if not hasattr(every, "fp32_precision"):
        return []
    cuda = [every.cudnn, every.cuda.matmul, every.cudnn.conv, every.cudnn.rnn]
    return [every, *cuda, every.mkldnn.matmul, every.mkldnn.conv, every.mkldnn.rnn]


def _torch_rounds(products: str) -> bool:
    """Whether PyTorch rounds products so."""
    import torch

    new, old = _TORCH_ROUNDS[products]
    if _torch_places():
        return all(place.fp32_precision == new for place in _torch_places()[GENERAL:])
    allowed = torch.backends.cudnn.allow_tf32 == (products == "tf32")
    return bool(allowed and torch.get_float32_matmul_precision() == old)


def _torch_round(products: str) -> Callable[[], None]:
    """Round products so; what puts everything back.

    A place that was never set follows a more general one, and shall do so again: only those that
    do not follow are set. PyTorch's older setting, of matrix products alone, sets two of the
    places, must agree with them, and is sure to be readable only where they say "ieee".
    """
    import torch

    new, old = _TORCH_ROUNDS[products]
    places, cudnn = _torch_places(), torch.backends.cudnn
    changed: list[tuple[Any, str]] = []

    def turn(setting: str) -> None:
        for place in places:
            if (found := place.fp32_precision) != setting:
                place.fp32_precision = setting
                changed.append((place, found))

    turn("ieee")
    before, allowed = torch.get_float32_matmul_precision(), None if places else cudnn.allow_tf32
    both = before != old or new != "ieee"
    if both:
        turn("tf32")  # what does not follow now either was set to "ieee"
        torch.set_float32_matmul_precision(old)
        turn(new)
    if not places:
        cudnn.allow_tf32 = products == "tf32"

    def undo() -> None:
        if both:
            torch.set_float32_matmul_precision(before)
            if places:  # the two that this has set: they follow, unless they come below
                torch.backends.cuda.matmul.fp32_precision = "none"
                torch.backends.mkldnn.matmul.fp32_precision = "none"
        for place, found in reversed(changed):
            place.fp32_precision = found
        if not places:
            cudnn.allow_tf32 = allowed

    return undo


def is_tensor(value: Any) -> bool:
    """Whether `value` belongs to the active backend (a symbolic tensor or a tracer does too)."""
    if isinstance(value, np.ndarray | np.generic | float | int):  # TensorFlow sees that slowly
        return False
    if not is_loaded():
        return False
    return bool(ops.is_tensor(value))


def to_tensor(value: Any, dtype: str) -> Tensor:
    return ops.convert_to_tensor(np.asarray(value), dtype=dtype)


def to_argument(array: np.ndarray) -> Any:
    """What a `Compiled` takes for `array` at the least cost per call."""
    return array if name() == "jax" else to_tensor(array, str(array.dtype))


def to_tensor_outside_traces(array: np.ndarray, dtype: str) -> Tensor:
    """`array` as a tensor with values, also while a function is being traced.

    As a constant of the graph each trace would hold a copy, and compile for long.
    """
    if name() == "tensorflow":
        import tensorflow as tf

        with tf.init_scope():
            return to_tensor(array, dtype)
    if name() == "jax":
        import jax

        with jax.ensure_compile_time_eval():
            return to_tensor(array, dtype)
    return to_tensor(array, dtype)


def to_numpy(tensor: Tensor) -> np.ndarray:
    if name() == "torch":  # Keras' own way warns
        return np.asarray(ops.convert_to_tensor(tensor).detach().cpu().numpy())
    return np.asarray(ops.convert_to_numpy(tensor))


class Held(NamedTuple):
    """What a tensor or a variable of a tensor library holds."""

    kind: str
    numbers: np.ndarray | None  # None where they cannot be read
    by_reference: bool  # whether a compiled program reads them anew whenever it runs
    more: dict[str, Any] | None = None  # attributes that somebody gave it


def numbers_held(value: Any) -> Held | None:
    """What a tensor or a variable of any loaded library holds; None for what is neither."""
    kind = type(value)
    if is_loaded() and isinstance(value, keras.Variable):
        said = f"variable {value.shape} {value.dtype} {value.trainable}"
        return Held(said, _read(lambda: to_numpy(value.value)), True)
    tf, jax, torch = (sys.modules.get(library) for library in ("tensorflow", "jax", "torch"))
    if torch is not None and isinstance(value, torch.Tensor):
        on = f"{kind.__qualname__} {value.dtype} {value.device} {value.requires_grad}"
        return Held(on, _read(lambda: _of_torch(value)), False, vars(value))
    if jax is not None and isinstance(value, jax.Array):
        said = f"{kind.__qualname__} {value.dtype}"
        return Held(said, _read(lambda: np.asarray(value)), False)
    if tf is not None and isinstance(value, tf.Tensor | tf.Variable):
        said = f"{kind.__qualname__} {value.dtype}"
        return Held(said, _read(value.numpy), isinstance(value, tf.Variable))
    return None


def process_settings() -> tuple[Any, ...]:
    """Settings that a function may compute by, of the libraries that are loaded.

    Keras' policy of dtypes is none of them: asked for the first time, it is made, and stays.
    """
    found: list[Any] = [np.geterr(), np.get_printoptions()]
    if is_loaded():
        config = keras.config
        found += [config.backend(), config.floatx(), config.epsilon(), config.image_data_format()]
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        found += [torch.get_default_dtype(), torch.is_grad_enabled()]
    if "jax" in sys.modules:
        found.append(sys.modules["jax"].config.values)
    return tuple(found)


def _of_torch(tensor: Any) -> np.ndarray:
    import torch

    tensor = tensor.detach().cpu()
    if tensor.dtype is torch.bfloat16:
        tensor = tensor.view(torch.int16)
    return np.asarray(tensor.numpy())


def _read(numbers: Callable[[], Any]) -> np.ndarray | None:
    """Them, or None: a tracer has none, and a handle is no number."""
    try:
        return np.asarray(numbers())
    except Exception:
        return None


class Compiled:
    """A function of (nested) tensors, compiled once per shapes and types of them.

    Every call must nest its tensors alike, in tuples and lists. What comes out is not
    differentiable from outside.

    On TensorFlow, where XLA cannot compile what the user wrote, the plain graph takes over
    with one warning. On PyTorch the function runs as it is.

    Attributes
    ----------
    traces : int
        How often the function was traced (on PyTorch, run).
    made : int
        That of all functions of this process.
    """

    made: ClassVar[int] = 0

    def __init__(self, function: Callable[..., Any], xla: bool = True) -> None:
        self.traces = 0
        self._function = function
        self._xla = xla
        self._programs: dict[Hashable, Callable[..., Any]] = {}
        if name() == "jax":
            import jax

            self._compiled = jax.jit(self._trace)

    def bind(self, function: Callable[..., Any]) -> None:
        """Trace this from now on: a function that computes the same, of objects that are alive."""
        self._function = function

    def _trace(self, *args: Any) -> Any:
        self.traces += 1
        Compiled.made += 1
        return self._function(*args)

    def __call__(self, *args: Any) -> Any:
        check()
        if name() == "jax":
            out = self._compiled(*args)
            if is_pending():
                import jax

                jax.block_until_ready(out)  # a thread at work when the process ends would crash it
        elif name() == "torch":
            out = self._trace(*args)
        else:
            out = self._call_tensorflow(*args)
        check()
        return out

    def trace_for(self, array: np.ndarray) -> None:
        """On TensorFlow trace for a tensor like this, without a device being looked for."""
        if name() == "tensorflow":
            import tensorflow as tf

            spec = tf.TensorSpec(array.shape, array.dtype)
            self._programs[(spec.dtype, *array.shape),] = self._build(self._xla, (spec,))

    def _call_tensorflow(self, *args: Any) -> Any:
        leaves = keras.tree.flatten(args)
        signature = tuple(leaf if leaf is None else (leaf.dtype, *leaf.shape) for leaf in leaves)
        if signature in self._programs:
            return self._programs[signature](leaves)
        import tensorflow as tf

        program = self._build(self._xla, args)
        check()
        try:
            out = program(leaves)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            if not self._xla:
                raise
            self._xla = False
            program = self._build(False, args)
            out = program(leaves)  # a fault of the function itself is raised again here
            reason = str(error).strip().splitlines()[0][:200]
            warn(
                f"XLA cannot compile this objective, so it runs as a plain graph: {reason}",
                RuntimeWarning,
            )
        self._programs[signature] = program
        return out

    def _build(self, xla: bool, args: tuple[Any, ...]) -> Callable[[Tensors], Any]:
        """The program for arguments like these, called with their tensors one after the other.

        To bind nested arguments anew takes TensorFlow longer than most programs.
        """
        import tensorflow as tf

        traced = tf.function(self._trace, jit_compile=xla, autograph=False)
        concrete = traced.get_concrete_function(*args)
        call, captured = concrete.inference_fn.call_preflattened, concrete.captured_inputs
        return lambda leaves: call([*(leaf for leaf in leaves if leaf is not None), *captured])


def output_shape(function: Callable[[Tensor], Any], shape: Sequence[int], dtype: str) -> tuple:
    """Trace `function` once on a float tensor of this shape; the shape of what it returns.

    Raises whatever the function raises, and TypeError where the result is no single tensor.
    """
    shape = tuple(shape)
    if name() == "tensorflow":
        import tensorflow as tf

        traced = tf.function(function, autograph=False)
        spec = tf.TensorSpec(shape, dtype)
        result = traced.get_concrete_function(spec).structured_outputs
    elif name() == "jax":
        import jax

        result = jax.eval_shape(function, jax.ShapeDtypeStruct(shape, dtype))
    else:
        import torch

        point = torch.full(shape, 0.5, dtype=getattr(torch, dtype), requires_grad=True)
        result = function(point.to(ops.zeros(()).device))
        if not isinstance(result, torch.Tensor):
            raise TypeError(f"expected a tensor, received {type(result).__name__}")
    if not hasattr(result, "shape"):
        raise TypeError(f"expected a tensor, received {type(result).__name__}")
    return tuple(result.shape)


class UnmappableError(Exception):
    """A function that the backend can trace, but not map over points without slowing it down."""


def mapped(function: Callable[[Any], Any], elements: Any, slowly: bool = False) -> Any:
    """function(element) for each along the first axis of (nested) tensors, stacked.

    TensorFlow cannot map some operations, and no branches or loops so that XLA could compile them:
    UnmappableError, unless it may be slow. Then elements take turns, but for loops of unknown
    length, which XLA compiles in no case.
    """
    if name() != "tensorflow":
        return ops.vectorized_map(function, elements)
    import tensorflow as tf

    if slowly:
        graph = _graph_for_one(function, elements)
        if not graph.kinds & _LOOPS:
            with vectors_in_products():
                return tf.map_fn(function, elements, fn_output_signature=graph.outputs)
    traced = False

    def noted(element: Any) -> Any:
        nonlocal traced
        graph = tf.compat.v1.get_default_graph()
        before = len(graph.get_operations())
        with vectors_in_products():
            result = function(element)
        traced = True
        new = {operation.type for operation in graph.get_operations()[before:]}
        if new & _CONTROL and not slowly:
            raise UnmappableError(f"it holds {', '.join(sorted(new & _CONTROL))}")
        return result

    logger = tf.get_logger()
    before = logger.level
    logger.setLevel("CRITICAL")  # it tells of every operation, on every trace
    try:
        return tf.vectorized_map(noted, elements, fallback_to_while_loop=slowly)
    except Exception as error:
        if traced and not slowly:
            raise UnmappableError(str(error)) from error
        raise
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def vectors_in_products() -> Iterator[None]:
    """A scope in which TensorFlow's ``@`` takes vectors, as it does everywhere else."""
    if name() != "tensorflow":
        yield
        return
    import tensorflow as tf

    plain = {key: getattr(tf.Tensor, key) for key in ("__matmul__", "__rmatmul__")}

    def product(left: Tensor, right: Tensor) -> Tensor:
        ranks = left.shape.rank, right.shape.rank
        if ranks == (1, 1):
            return tf.tensordot(left, right, 1)
        if ranks[0] == 1:
            return tf.squeeze(plain["__matmul__"](left[None], right), -2)
        if ranks[1] == 1:
            return tf.linalg.matvec(left, right)
        return plain["__matmul__"](left, right)

    tf.Tensor.__matmul__ = lambda x, y: product(x, tf.convert_to_tensor(y, x.dtype))
    tf.Tensor.__rmatmul__ = lambda x, y: product(tf.convert_to_tensor(y, x.dtype), x)
    try:
        yield
    finally:
        for key, function in plain.items():
            setattr(tf.Tensor, key, function)


_LOOPS = {"StatelessWhile", "While"}
_CONTROL = {"Case", "If", "StatelessCase", "StatelessIf"} | _LOOPS


class _Graph(NamedTuple):
    """What TensorFlow makes of a function of one element."""

    kinds: set[str]  # of its operations
    outputs: Any  # nested shapes and types


def _graph_for_one(function: Callable[[Any], Any], elements: Any) -> _Graph:
    import tensorflow as tf

    one = tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape[1:], t.dtype), elements)
    with vectors_in_products():
        concrete = tf.function(function, autograph=False).get_concrete_function(one)
    kinds = {operation.type for operation in concrete.graph.get_operations()}
    outputs = tf.nest.map_structure(tf.TensorSpec.from_tensor, concrete.structured_outputs)
    return _Graph(kinds, outputs)


def mapped_slopes(
    function: Callable[..., Tensor], x: Tensor, *others: Tensor, slowly: bool = False
) -> tuple[Tensor, Tensor]:
    """Values (N,) of function(point, *others), and their gradients (N, d) at points (N, d)."""

    def inside(element: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        return value_and_grad(lambda point: function(point, *element[1:]))(element[0])

    if name() == "tensorflow" and not (
        slowly and _graph_for_one(inside, (x, *others)).kinds & _LOOPS
    ):  # else XLA compiles anew for other constants
        return mapped(inside, (x, *others), slowly)  # type: ignore[no-any-return]

    def values(points: Tensor) -> Tensor:
        return mapped(lambda element: function(*element), (points, *others), slowly)

    return value_and_grad(values)(x)


def vjp(
    function: Callable[[Tensors], Tensor], primals: Tensors
) -> tuple[Tensor, Callable[[Tensor], Tensors]]:
    """Value and pull-back of `function` at the list `primals`.

    The pull-back turns a cotangent of the value's shape into one gradient per primal.
    """
    if name() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for primal in primals:
                tape.watch(primal)
            value = function(primals)

        def back(cotangent: Tensor) -> Tensors:
            slopes = tape.gradient(
                value,
                primals,
                output_gradients=cotangent,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            return [tf.convert_to_tensor(slope) for slope in slopes]  # some come as slices

        return value, back
    if name() == "jax":
        import jax

        value, pull = jax.vjp(function, primals)
        return value, lambda cotangent: pull(cotangent)[0]

    import torch

    with torch.enable_grad():
        leaves = [primal.detach().requires_grad_(True) for primal in primals]
        value = function(leaves)

    def torch_back(cotangent: Tensor) -> Tensors:
        if not value.requires_grad:
            return [torch.zeros_like(leaf) for leaf in leaves]
        grads = torch.autograd.grad(value, leaves, cotangent, allow_unused=True)
        return [
            torch.zeros_like(leaf) if grad is None else grad
            for leaf, grad in zip(leaves, grads, strict=True)
        ]

    return value.detach(), torch_back


def loss_and_gradients(
    function: Callable[[Tensors], tuple[Tensor, Any]], primals: Tensors
) -> tuple[Tensor, Any, Tensors]:
    """A loss (), what else `function` returns, and the loss's gradient for each primal."""
    if name() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for primal in primals:
                tape.watch(primal)
            loss, others = function(primals)
        return loss, others, tape.gradient(loss, primals)
    if name() == "jax":
        import jax

        (loss, others), gradients = jax.value_and_grad(function, has_aux=True)(primals)
        return loss, others, gradients

    import torch

    with torch.enable_grad():
        leaves = [primal.detach().requires_grad_(True) for primal in primals]
        loss, others = function(leaves)
        gradients = list(torch.autograd.grad(loss, leaves))
    others = keras.tree.map_structure(lambda tensor: tensor.detach(), others)
    return loss.detach(), others, gradients


def value_and_grad(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], tuple]:
    """x -> (values, gradient of their sum): per-point gradients where points do not interact."""

    def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        values, back = vjp(lambda xs: function(xs[0]), [x])
        return values, back(ops.ones_like(values))[0]

    return evaluate


def jvp(function: Callable[[Tensor], Tensor], x: Tensor, tangent: Tensor) -> tuple:
    """Value of `function` at x and its directional derivative along `tangent`."""
    if name() == "tensorflow":
        import tensorflow as tf

        with tf.autodiff.ForwardAccumulator(x, tangent) as accumulator:
            value = function(x)
        return value, accumulator.jvp(value, tf.UnconnectedGradients.ZERO)
    if name() == "jax":
        import jax

        return jax.jvp(function, (x,), (tangent,))  # type: ignore[no-any-return]
    import torch

    return torch.func.jvp(function, (x,), (tangent,))  # type: ignore[no-any-return]


def tangents_flow(function: Callable[[Tensor], Tensor], x: Tensor) -> bool:
    """Whether forward-mode derivatives of `function` at x (..., n, k) agree with differences.

    TensorFlow gives 0, silently, for operations whose gradient has no gradient of its own
    (bilinear resizing); the other backends raise.
    """
    if name() != "tensorflow":
        return True
    along = ops.convert_to_tensor(np.where(np.arange(x.shape[-1]) % 2, -1.0, 1.0), dtype=x.dtype)
    along = ops.broadcast_to(along, x.shape)
    slope = jvp(function, x, along)[1]
    rough = (function(x + STEP * along) - function(x - STEP * along)) / (2.0 * STEP)
    missed, size = (float(ops.sqrt(ops.sum(part**2))) for part in (slope - rough, rough))
    return not missed > AGREES * size  # also where neither is a number


def differences(function: Callable[[Tensor], Tensor], x: Tensor, highest: Tensor | None) -> Tensor:
    """`jacobian` by differences, for x (..., n, k), values (..., n, m); never above `highest`."""
    n, k = x.shape[-2:]
    steps = ops.full_like(x, STEP)
    if highest is not None:
        steps = ops.where(x + STEP > ops.cast(highest, x.dtype), -steps, steps)
    wide = ops.repeat(steps, k, axis=-2) * ops.tile(ops.eye(k, dtype=x.dtype), (n, 1))
    values = function(ops.repeat(x, k, axis=-2) + wide)
    values = ops.reshape(values, (*x.shape[:-1], k, values.shape[-1]))
    slopes = (values - ops.expand_dims(function(x), -2)) / ops.expand_dims(steps, -1)
    return ops.swapaxes(slopes, -1, -2)


def jacobian(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """∂function/∂x (..., m, k) at x (..., k) where values (..., m) depend on their own point alone.

    By k forward passes of tangents, all at once.
    """
    k = x.shape[-1]
    basis = ops.eye(k, dtype=x.dtype)
    if name() == "tensorflow":
        import tensorflow as tf

        def column(unit: Tensor) -> Tensor:
            return jvp(function, x, ops.broadcast_to(unit, x.shape))[1]

        columns = tf.vectorized_map(column, basis)
    elif name() == "jax":
        import jax

        _, push = jax.linearize(function, x)
        columns = jax.vmap(lambda unit: push(ops.broadcast_to(unit, x.shape)))(basis)
    else:
        import torch

        columns = torch.func.vmap(
            lambda unit: torch.func.jvp(function, (x,), (unit.expand(x.shape),))[1]
        )(basis)
    return ops.moveaxis(columns, 0, -1)


def normal(seed: Tensor, shape: Sequence[int], dtype: Any) -> Tensor:
    """Standard normal numbers that depend on the two integers in `seed` (2,) alone."""
    return _random("normal", seed, shape, dtype)


def uniform(seed: Tensor, shape: Sequence[int], dtype: Any) -> Tensor:
    """Numbers uniform in [0, 1) that depend on the two integers in `seed` (2,) alone."""
    return _random("uniform", seed, shape, dtype)


def _random(law: str, seed: Tensor, shape: Sequence[int], dtype: Any) -> Tensor:
    dtype = keras.backend.standardize_dtype(dtype)
    if name() == "tensorflow":
        import tensorflow as tf

        return getattr(tf.random, f"stateless_{law}")(shape, seed, dtype=dtype)
    if name() == "jax":
        import jax

        key = jax.random.fold_in(jax.random.key(seed[0]), seed[1])
        return getattr(jax.random, law)(key, tuple(shape), dtype)
    import torch

    generator = torch.Generator(device=seed.device)
    generator.manual_seed(int(seed[0]) * 2**31 + int(seed[1]))
    draw = {"normal": torch.randn, "uniform": torch.rand}[law]
    return draw(tuple(shape), generator=generator, dtype=getattr(torch, dtype), device=seed.device)


def on_accelerator() -> bool:
    """Whether the backend computes on a GPU."""
    if name() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if name() == "jax":
        import jax

        return bool(jax.default_backend() != "cpu")
    import torch

    return bool(torch.cuda.is_available())
