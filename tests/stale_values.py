"""Ways in which data changes: containers, arrays, tables, what is passed in `args`."""

import array
import collections
import operator
import types
import weakref

import numpy as np
from stale_cases import NEW, OLD, Call, dent, read_then, way

SPACE = NEW - OLD


# Containers


@way
def a_list():
    held = [0.0, OLD]
    yield from read_then(lambda: held[1], held.__setitem__, 1, NEW)


@way
def a_list_that_grows():
    held = [OLD]
    yield from read_then(lambda: sum(held), held.append, SPACE)


@way
def one_of_many_numbers_in_a_list():
    held = [1.0 * i for i in range(5000)]
    held[3000] = OLD
    yield from read_then(lambda: held[3000], held.__setitem__, 3000, NEW)


@way
def an_entry_of_a_dict():
    held = {"w": OLD}
    yield from read_then(lambda: held["w"], held.update, {"w": NEW})


@way
def the_order_of_a_dict():
    held = {"a": OLD, "b": NEW}

    def change():
        held["a"] = held.pop("a")

    yield from read_then(lambda: next(iter(held.values())), change)


@way
def a_set():
    held = {1, 2}
    yield from read_then(lambda: NEW if 3 in held else OLD, held.add, 3)


@way
def a_deque():
    held = collections.deque([OLD], maxlen=3)
    yield from read_then(lambda: held[-1], held.append, NEW)


@way
def an_ordered_dict():
    held = collections.OrderedDict(a=OLD, b=NEW)
    yield from read_then(lambda: next(iter(held.values())), held.move_to_end, "a")


@way
def a_default_dict():
    held = collections.defaultdict(lambda: OLD)
    yield from read_then(lambda: held.get("w", OLD), held.update, {"w": NEW})


@way
def a_counter():
    held = collections.Counter("ab")
    yield from read_then(lambda: OLD + SPACE * (held["a"] - 1), held.update, "a")


@way
def a_chain_of_dicts():
    first = {}
    held = collections.ChainMap(first, {"w": OLD})
    yield from read_then(lambda: held["w"], first.update, {"w": NEW})


@way
def a_dict_of_a_class_of_its_own():
    class Table(dict):
        def __missing__(self, key):
            return OLD

    held = Table()
    yield from read_then(lambda: held["w"], held.update, {"w": NEW})


@way
def a_simple_namespace():
    held = types.SimpleNamespace(w=OLD)
    yield from read_then(lambda: held.w, setattr, held, "w", NEW)


@way
def what_a_mapping_proxy_shows():
    behind = {"w": OLD}
    held = types.MappingProxyType(behind)
    yield from read_then(lambda: held["w"], behind.update, {"w": NEW})


@way
def a_bytearray():
    held = bytearray([0])
    yield from read_then(lambda: OLD + SPACE * held[0], held.__setitem__, 0, 1)


@way
def an_array_of_the_standard_library():
    held = array.array("d", [OLD])
    yield from read_then(lambda: held[0], held.__setitem__, 0, NEW)


@way
def what_an_itemgetter_is_given():
    held, second = {"w": OLD}, operator.itemgetter("w")
    yield from read_then(lambda: second(held), held.update, {"w": NEW})


@way
def what_a_weak_reference_points_to():
    class Place:
        w = OLD

    held = Place()
    to = weakref.ref(held)
    yield from read_then(lambda: to().w, setattr, held, "w", NEW)


@way
def what_a_weak_dict_holds():
    class Place:
        def __init__(self, w):
            self.w = w

    near, far = Place(OLD), Place(NEW)
    held = weakref.WeakValueDictionary(place=near)
    yield from read_then(lambda: held["place"].w, held.update, {"place": far})


# Arrays


@way
def an_array_changed_in_place():
    held = np.full(3, OLD)
    yield from read_then(lambda: held, held.fill, NEW)


@way
def an_array_that_is_replaced():
    held = {"w": np.full(3, OLD)}
    yield from read_then(lambda: held["w"], held.update, {"w": np.full(3, NEW)})


@way
def one_byte_of_a_large_array():
    held = np.zeros(3_000_000)
    held[2_345_678] = OLD
    yield from read_then(lambda: held[2_345_678], held.__setitem__, 2_345_678, NEW)


@way
def the_base_of_a_view():
    base = np.full((6, 3), OLD)
    held = base[::2].T[:, 1]
    yield from read_then(lambda: held, base.fill, NEW)


@way
def an_array_that_cannot_be_written_itself():
    base = np.array([OLD])
    held = np.broadcast_to(base, 3)
    yield from read_then(lambda: held, base.fill, NEW)


@way
def an_array_of_objects():
    held = np.array([{"w": OLD}, None], dtype=object)
    yield from read_then(lambda: held[0]["w"], held[0].update, {"w": NEW})


@way
def a_structured_array():
    held = np.array([(0, OLD)], dtype=[("n", int), ("w", float)])
    yield from read_then(lambda: held["w"][0], held["w"].fill, NEW)


@way
def the_mask_of_an_array():
    held = np.ma.array([OLD, NEW], mask=[False, True])

    def change():
        held.mask = [True, False]

    yield from read_then(lambda: held.mean(), change)


@way
def an_attribute_of_an_array_of_a_class_of_its_own():
    class Placed(np.ndarray):
        pass

    held = np.zeros(3).view(Placed)
    held.w = OLD
    yield from read_then(lambda: held.w, setattr, held, "w", NEW)


@way
def an_array_that_was_equal_to_another():
    """The first one is part of the program that the second function uses."""
    first, second = np.full(3, OLD), np.full(3, OLD)
    f, g = (lambda x: dent(x, first)), (lambda x: dent(x, second))
    yield from ((f, OLD), (g, OLD))
    first.fill(NEW)
    yield g, OLD
    yield f, NEW
    second.fill(NEW)
    yield g, NEW


# Tables, splines, sparse matrices


@way
def a_cell_of_a_data_frame():
    import pandas

    held = pandas.DataFrame({"w": [0.0, OLD]}, index=["a", "b"])
    yield from read_then(lambda: float(held.loc["b", "w"]), held.loc.__setitem__, ("b", "w"), NEW)


@way
def the_index_of_a_series():
    import pandas

    held = pandas.Series([OLD, NEW], index=["near", "far"])
    yield from read_then(
        lambda: float(held["near"]), setattr, held, "index", pandas.Index(["far", "near"])
    )


@way
def the_coefficients_of_a_spline():
    from scipy.interpolate import CubicSpline

    held = CubicSpline([0.0, 1.0, 2.0], [OLD, OLD, OLD])

    def change():
        held.c[-1] += SPACE

    yield from read_then(lambda: float(held(0.5)), change)


@way
def a_spline_that_is_replaced():
    from scipy.interpolate import make_interp_spline

    held = [make_interp_spline([0.0, 1.0], [OLD, OLD], k=1)]
    other = make_interp_spline([0.0, 1.0], [NEW, NEW], k=1)
    yield from read_then(lambda: float(held[0](0.5)), held.__setitem__, 0, other)


@way
def the_entries_of_a_sparse_matrix():
    from scipy.sparse import csr_array

    held = csr_array(np.diag([OLD, 1.0, 1.0]))
    yield from read_then(lambda: (held @ np.ones(3))[0], held.data.__setitem__, 0, NEW)


@way
def a_sparse_matrix_that_is_replaced():
    from scipy.sparse import coo_array

    held = {w: coo_array(np.diag([w, w, w])) for w in (OLD, NEW)}
    now = [held[OLD]]
    yield from read_then(lambda: now[0].sum(axis=0), now.__setitem__, 0, held[NEW])


# Arguments


@way
def a_number_in_args():
    for w in (OLD, NEW):
        yield Call(dent, w, args=(w,))


@way
def a_list_in_args():
    held = [OLD]

    def f(x, held):
        return dent(x, held[0])

    yield Call(f, OLD, args=(held,))
    held[0] = NEW
    yield Call(f, NEW, args=(held,))


@way
def an_array_in_args():
    held = np.full(3, OLD)
    yield Call(dent, OLD, args=(held,))
    held.fill(NEW)
    yield Call(dent, NEW, args=(held,))


@way
def an_object_in_args():
    held = types.SimpleNamespace(w=OLD)

    def f(x, held):
        return dent(x, held.w)

    yield Call(f, OLD, args=(held,))
    held.w = NEW
    yield Call(f, NEW, args=(held,))


@way
def a_function_in_args():
    def f(x, place):
        return dent(x, place())

    for w in (OLD, NEW):
        yield Call(f, w, args=(lambda w=w: w,))
