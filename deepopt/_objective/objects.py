"""What objects hold, for `fingerprints`: whether Python can see all of it, and where it is."""

from __future__ import annotations

import copyreg
import sys
from typing import Any

import numpy as np

from .code import FILES, LIBRARIES, PURE, is_library

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type(...)})
HEAP_TYPE, MANAGED_DICT = 1 << 9, 1 << 4  # of a type's __flags__
UNREAD = {  # of a class
    "__abstractmethods__", "__annotate_func__", "__annotations__", "__annotations_cache__",
    "__classdictcell__", "__dict__", "__firstlineno__", "__module__", "__orig_bases__",
    "__parameters__", "__qualname__", "__slotnames__", "__static_attributes__", "__type_params__",
    "__weakref__", "_abc_impl",
}  # fmt: skip
TRAINING = {  # attributes of Keras' layers and models that calling them does not read
    "_call_context_args", "_called", "_compile_config", "_compile_loss", "_compile_metrics",
    "_compiled_trainable_state", "_distribute_strategy", "_eval_epoch_iterator", "_initial_epoch",
    "_compute_loss_has_training_arg", "_jax_state", "_jax_state_synced", "_jit_compile",
    "_run_eagerly", "_loss_ids", "_loss_tracker", "_losses", "_losses_override",
    "_metrics", "_saved_model_arg_spec", "_saved_model_inputs_spec", "_tracked", "compiled",
    "history", "loss", "optimizer", "predict_function", "steps_per_execution", "stop_training",
    "test_function", "train_function", "unrolled_steps_per_execution",
}  # fmt: skip
HELD = {"argparse", "inspect", "pathlib"}  # modules whose objects hold all that they tell
BASES = (dict, list, tuple, set, frozenset, int, float, complex, str, bytes, np.ndarray)


def is_plain(value: Any) -> bool:
    if type(value) in (tuple, frozenset):
        return all(map(is_plain, value))
    return type(value) in ATOMS


def part(base: Any, value: Any) -> Any:
    """What the base among `BASES` of an object's class holds."""
    if base is dict:
        return dict(dict.items(value))
    if base in (list, tuple, set, frozenset):
        return base(base.__iter__(value))
    if base in (str, bytes):
        return base.__getitem__(value, slice(None))
    return base.__pos__(value)


def hides(kind: type, base: type) -> bool:
    """Whether objects of this class have room for more than Python sees, as C's have."""
    size = base.__basicsize__ + 8 * len(slots(kind)) + 8 * (kind.__weakrefoffset__ > 0)
    size += 8 * bool(kind.__dictoffset__ and not kind.__flags__ & MANAGED_DICT)
    return kind.__basicsize__ > size or (base is object and bool(kind.__itemsize__))


def slots(kind: type) -> list[str]:
    return copyreg._slotnames(kind)  # type: ignore[attr-defined,no-any-return]


def module_of(kind: type) -> str:
    """The module that a class says it is from; some of C's say nothing."""
    name: Any = kind.__module__
    return name if isinstance(name, str) else ""


def is_written_here(kind: type) -> bool:
    """Whether a class is a user's, and so can change; its `__module__` is what somebody said."""
    if not kind.__flags__ & HEAP_TYPE:
        return False
    name = module_of(kind)
    if name.split(".")[0] in LIBRARIES:
        return False
    module = sys.modules.get(name)
    if module is None or not is_library(vars(module)):
        return True
    found: Any = module
    for part_of_name in kind.__qualname__.split("."):
        found = getattr(found, part_of_name, None)
    return found is not kind


def reads_outside(kind: type) -> bool:
    """Whether a class of a library may read what nobody sees: files, the clock, the process."""
    top, *below = module_of(kind).split(".")
    if top in LIBRARIES:
        return not FILES.isdisjoint(below)
    return top in sys.stdlib_module_names and top not in PURE | HELD


def is_layer(kind: type) -> bool:
    """Whether it is a class of Keras' layers or models."""
    layers = ("keras.src.layers.layer", "keras.src.ops.operation")
    return any(base.__module__ in layers for base in kind.__mro__)
