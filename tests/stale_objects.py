"""Ways in which objects and classes change: attributes, methods, what finds them, what they are."""

import abc
import copy
import dataclasses
import enum
import functools
import typing

from stale_cases import NEW, OLD, dent, then, valley, way


class Held:
    """A function of x that has the place of its dent as an attribute."""

    def __init__(self, w=OLD):
        self.w = w

    def __call__(self, x):
        return dent(x, self.w)

    def method(self, x):
        return dent(x, self.w)


# Attributes


@way
def an_attribute_of_a_callable_object():
    f = Held()
    yield from then(f, setattr, f, "w", NEW)


@way
def an_attribute_of_the_object_of_a_bound_method():
    held = Held()
    yield from then(held.method, setattr, held, "w", NEW)


@way
def an_attribute_of_an_object_in_an_object_in_a_list():
    inner = Held()
    outer = Held([{"deep": (inner,)}])
    yield from then(valley(lambda: outer.w[0]["deep"][0].w), setattr, inner, "w", NEW)


@way
def a_slot():
    class Slotted:
        __slots__ = ("w",)

        def __call__(self, x):
            return dent(x, self.w)

    f = Slotted()
    f.w = OLD
    yield from then(f, setattr, f, "w", NEW)


@way
def an_attribute_by_its_name():
    f, name = Held(), "w"
    yield from then(valley(lambda: getattr(f, name)), setattr, f, "w", NEW)


@way
def an_attribute_by_a_name_built_at_run_time():
    class Weighted:
        weight = OLD

        def __call__(self, x):
            return dent(x, getattr(self, "".join(["wei", "ght"])))

    f = Weighted()
    yield from then(f, setattr, f, "weight", NEW)


@way
def a_method_by_getattribute_and_a_name_built_at_run_time():
    class Placed:
        def place(self):
            return OLD

        def __call__(self, x):
            return dent(x, object.__getattribute__(self, "".join(["pla", "ce"]))())

    yield from then(Placed(), setattr, Placed, "place", lambda self: NEW)


@way
def a_copy_of_the_object_that_goes_its_own_way():
    first = Held([OLD])
    second = copy.deepcopy(first)
    f, g = (valley(lambda held=held: held.w[0]) for held in (first, second))
    yield f, OLD
    yield g, OLD
    first.w[0] = NEW
    yield g, OLD
    yield f, NEW


@way
def the_class_of_an_object():
    class Other(Held):
        def __call__(self, x):
            return dent(x, NEW)

    f = Held()
    yield from then(f, setattr, f, "__class__", Other)


# What stands between a name and its value


@way
def what_a_property_reads():
    class Hidden:
        _w = OLD

        @property
        def w(self):
            return self._w

    held = Hidden()
    yield from then(valley(lambda: held.w), setattr, held, "_w", NEW)


@way
def a_property_that_is_replaced():
    class Hidden:
        w = property(lambda self: OLD)

    held = Hidden()
    yield from then(valley(lambda: held.w), setattr, Hidden, "w", property(lambda self: NEW))


@way
def a_cached_property_that_is_dropped():
    class Cached:
        source = OLD

        @functools.cached_property
        def w(self):
            return self.source

    held = Cached()

    def change():
        held.source = NEW
        del held.w

    yield from then(valley(lambda: held.w), change)


@way
def the_state_of_a_descriptor():
    class Number:
        value = OLD

        def __get__(self, instance, owner):
            return self.value

    number = Number()

    class Owner:
        w = number

    held = Owner()
    yield from then(valley(lambda: held.w), setattr, number, "value", NEW)


@way
def the_table_behind_getattr():
    class Table:
        def __init__(self):
            self.table = {"w": OLD}

        def __getattr__(self, name):
            try:
                return self.table[name]
            except KeyError:
                raise AttributeError(name) from None

    held = Table()
    yield from then(valley(lambda: held.w), held.table.update, {"w": NEW})


@way
def the_table_behind_a_getattr_that_raises_key_error():
    class Table:
        def __init__(self, **table):
            self.__dict__["table"] = table

        def __getattr__(self, name):
            return self.table[name]

        def __call__(self, x):
            return dent(x, self.w)

    f = Table(w=OLD)
    yield from then(f, f.table.update, {"w": NEW})


@way
def what_getitem_gives():
    class Rows:
        def __getitem__(self, index):
            return OLD

    rows = Rows()
    yield from then(valley(lambda: rows[0]), setattr, Rows, "__getitem__", lambda self, at: NEW)


# Classes


@way
def a_class_attribute():
    class Weighted(Held):
        place = OLD

        def __call__(self, x):
            return dent(x, self.place)

    yield from then(Weighted(), setattr, Weighted, "place", NEW)


@way
def a_class_attribute_of_a_base():
    class Base:
        place = OLD

    class Middle(Base):
        pass

    class Weighted(Middle):
        def __call__(self, x):
            return dent(x, self.place)

    yield from then(Weighted(), setattr, Base, "place", NEW)


@way
def an_attribute_of_a_metaclass():
    class Meta(type):
        place = OLD

    class Weighted(metaclass=Meta):
        pass

    yield from then(valley(lambda: Weighted.place), setattr, Meta, "place", NEW)


@way
def a_base_that_is_replaced():
    class First:
        place = OLD

    class Second:
        place = NEW

    class Weighted(First):
        def __call__(self, x):
            return dent(x, self.place)

    yield from then(Weighted(), setattr, Weighted, "__bases__", (Second,))


@way
def a_static_method():
    class Placed:
        @staticmethod
        def place():
            return OLD

    yield from then(
        valley(lambda: Placed.place()), setattr, Placed, "place", staticmethod(lambda: NEW)
    )


@way
def a_class_method():
    class Placed:
        w = OLD

        @classmethod
        def place(cls):
            return cls.w

    other = classmethod(lambda cls: NEW)
    yield from then(valley(lambda: Placed.place()), setattr, Placed, "place", other)


@way
def a_method_of_the_class():
    class Placed:
        def place(self):
            return OLD

    held = Placed()
    yield from then(valley(lambda: held.place()), setattr, Placed, "place", lambda self: NEW)


@way
def a_method_of_the_instance():
    class Placed:
        def place(self):
            return OLD

    held = Placed()
    yield from then(valley(lambda: held.place()), setattr, held, "place", lambda: NEW)


@way
def the_call_of_the_class():
    class Valley:
        def __call__(self, x):
            return dent(x, OLD)

    yield from then(Valley(), setattr, Valley, "__call__", lambda self, x: dent(x, NEW))


@way
def a_new_subclass_of_a_class():
    class Term:
        place = OLD

    f = valley(lambda: sum(kind.place for kind in [Term, *Term.__subclasses__()]))
    yield f, OLD

    class More(Term):  # what is added is found by its base
        place = NEW - OLD

    yield f, NEW
    assert More in Term.__subclasses__()


@way
def a_class_that_is_entered_with_an_abstract_one():
    class Far(abc.ABC):  # noqa: B024
        pass

    class Term:
        pass

    term = Term()
    f = valley(lambda: NEW if isinstance(term, Far) else OLD)
    yield from then(f, Far.register, Term)


@way
def an_attribute_of_a_class_from_source():
    space = {"dent": dent, "OLD": OLD}
    exec("class Valley:\n place = OLD\n def __call__(self, x): return dent(x, self.place)", space)
    yield from then(space["Valley"](), setattr, space["Valley"], "place", NEW)


@way
def a_number_put_on_a_class_of_a_library():
    import keras

    keras.Layer.place_of_the_dent = OLD
    f = valley(lambda: keras.Layer.place_of_the_dent)
    yield from then(f, setattr, keras.Layer, "place_of_the_dent", NEW)
    del keras.Layer.place_of_the_dent


# Kinds of classes


@way
def a_field_of_a_dataclass():
    @dataclasses.dataclass
    class Place:
        w: float = OLD

    held = Place()
    yield from then(valley(lambda: held.w), setattr, held, "w", NEW)


@way
def the_metadata_of_a_field_of_a_dataclass():
    about = {"place": OLD}

    @dataclasses.dataclass
    class Place:
        w: float = dataclasses.field(default=0.0, metadata=about)

    held = Place()
    f = valley(lambda: dataclasses.fields(held)[0].metadata["place"])
    yield from then(f, about.update, {"place": NEW})


@way
def an_attribute_of_a_dataclass_that_was_made():
    made = dataclasses.make_dataclass("Place", [("w", float, OLD)])
    yield from then(valley(lambda: made.w), setattr, made, "w", NEW)


@way
def a_namedtuple_that_is_replaced():
    class Place(typing.NamedTuple):
        w: float

    held = Held(Place(OLD))
    yield from then(valley(lambda: held.w.w), setattr, held, "w", Place(NEW))


@way
def another_member_of_an_enum():
    class Place(enum.Enum):
        NEAR, FAR = OLD, NEW

    held = Held(Place.NEAR)
    yield from then(valley(lambda: held.w.value), setattr, held, "w", Place.FAR)


@way
def the_value_of_a_member_of_an_enum():
    class Place(enum.Enum):
        NEAR = OLD

    yield from then(valley(lambda: Place.NEAR.value), setattr, Place.NEAR, "_value_", NEW)


@way
def one_of_two_objects_without_a_content():
    near, far = object(), object()
    held = Held(near)
    f = valley(lambda: OLD if held.w is near else NEW)
    yield from then(f, setattr, held, "w", far)


@way
def what_an_operator_of_a_class_does():
    class Place:
        def __add__(self, other):
            return OLD

    held = Place()
    yield from then(valley(lambda: held + 0), setattr, Place, "__add__", lambda self, other: NEW)
