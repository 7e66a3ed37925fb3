"""Ways in which a function changes: what it holds, what it is made of, when it changes."""

import copy
import functools

from stale_cases import NEW, OLD, Call, dent, valley, way

# What a function holds


@way
def a_closure_cell():
    w = OLD

    def f(x):
        return dent(x, w)

    yield f, OLD
    w = NEW
    yield f, NEW


@way
def a_nonlocal_that_another_function_sets():
    def pair():
        w = OLD

        def move(place):
            nonlocal w
            w = place

        return move, lambda x: dent(x, w)

    move, f = pair()
    yield f, OLD
    move(NEW)
    yield f, NEW


@way
def a_lambda_of_the_same_code_with_another_closure():
    for w in (OLD, NEW):
        yield (lambda place: lambda x: dent(x, place))(w), w


@way
def a_cell_that_is_set_from_outside():
    f = (lambda w: lambda x: dent(x, w))(OLD)
    yield f, OLD
    f.__closure__[0].cell_contents = NEW
    yield f, NEW


@way
def a_default_argument():
    def f(x, w=OLD):
        return dent(x, w)

    yield f, OLD
    f.__defaults__ = (NEW,)
    yield f, NEW


@way
def a_default_argument_changed_in_place():
    def f(x, w=[OLD]):  # noqa: B006
        return dent(x, w[0])

    yield f, OLD
    f.__defaults__[0][0] = NEW
    yield f, NEW


@way
def a_keyword_default():
    def f(x, *, w=OLD):
        return dent(x, w)

    yield f, OLD
    f.__kwdefaults__["w"] = NEW
    yield f, NEW


@way
def an_attribute_of_the_function():
    def f(x):
        return dent(x, f.w)

    f.w = OLD
    yield f, OLD
    f.w = NEW
    yield f, NEW


@way
def the_code_of_the_function():
    def f(x):
        return dent(x, OLD)

    def other(x):
        return dent(x, NEW)

    yield f, OLD
    f.__code__ = other.__code__
    yield f, NEW


@way
def the_code_of_a_helper():
    def helper():
        return OLD

    f = valley(helper)
    yield f, OLD
    helper.__code__ = (lambda: NEW).__code__
    yield f, NEW


@way
def the_same_code_with_another_constant():
    for w in (OLD, NEW):
        space = {"dent": dent}
        exec(f"def f(x):\n    return dent(x, {w})", space)
        yield space["f"], w


@way
def a_twin_of_the_same_name_from_other_source():
    for w, source in ((OLD, "p - q"), (NEW, "p + q")):
        space = {"dent": dent, "p": 0.5 * (OLD + NEW), "q": 0.5 * (NEW - OLD)}
        exec(compile(f"def f(x):\n    return dent(x, {source})", "twin", "exec"), space)
        yield space["f"], w


@way
def the_docstring_of_a_helper():
    def helper():
        pass

    f = valley(lambda: float(helper.__doc__))
    for w in (OLD, NEW):
        helper.__doc__ = str(w)
        yield f, w


@way
def the_annotations_of_a_helper():
    def helper(place: OLD):
        pass

    f = valley(lambda: helper.__annotations__["place"])
    yield f, OLD
    helper.__annotations__["place"] = NEW
    yield f, NEW


@way
def functions_told_apart_by_their_name():
    def term(name):
        def place():
            raise NotImplementedError

        place.__name__ = name
        return place

    table, terms = {"near": OLD, "far": NEW}, [term("near")]
    f = valley(lambda: table[terms[0].__name__])
    yield f, OLD
    terms[0] = term("far")
    yield f, NEW


# Functions made of functions


@way
def the_arguments_of_a_partial():
    for w in (OLD, NEW):
        yield functools.partial(lambda w, x: dent(x, w), w), w


@way
def the_keywords_of_a_partial_changed_in_place():
    f = functools.partial(dent, w=OLD)
    yield f, OLD
    f.keywords["w"] = NEW
    yield f, NEW


@way
def a_partial_of_a_partial():
    held = [OLD]
    inner = functools.partial(lambda w, sign, x: dent(x, sign * w[0]), held)
    f = functools.partial(functools.partial(inner), 1.0)
    yield f, OLD
    held[0] = NEW
    yield f, NEW


@way
def a_decorator_with_a_state():
    def moved(function):
        @functools.wraps(function)
        def wrapper(x):
            return function(x, wrapper.place)

        wrapper.place = OLD
        return wrapper

    f = moved(dent)
    yield f, OLD
    f.place = NEW
    yield f, NEW


@way
def what_a_cached_helper_reads():
    w = OLD

    @functools.lru_cache
    def place():
        return w

    f = valley(place)
    yield f, OLD
    w = NEW
    place.cache_clear()
    yield f, NEW


@way
def another_function_for_a_type():
    @functools.singledispatch
    def place(kind):
        return OLD

    f = valley(lambda: place(1))
    yield f, OLD
    place.register(int, lambda kind: NEW)
    yield f, NEW


@way
def a_generator_that_keeps_a_number():
    def keep(w):
        while True:
            sent = yield w
            w = w if sent is None else sent

    kept = keep(OLD)
    f = valley(lambda: next(kept))
    yield f, OLD
    kept.send(NEW)
    yield f, NEW


@way
def an_iterator():
    rest = iter([OLD, NEW])
    f = valley(lambda: next(copy.copy(rest)))
    yield f, OLD
    next(rest)
    yield f, NEW


# When it changes


@way
def a_function_that_counts_its_calls():
    """It changes in every call of it, and its value once, when the user says so."""
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return dent(x, OLD if calls < 10**6 else NEW)

    yield f, OLD
    calls = 10**6
    yield f, NEW


@way
def what_changes_and_comes_back():
    held = [OLD]
    f = valley(lambda: held[0])
    for w in (OLD, NEW, OLD, NEW):
        held[0] = w
        yield f, w


@way
def what_a_callback_changes_during_the_call():
    held = [OLD, NEW]

    def callback(x):
        held[0] = NEW

    class Unasked(Call):
        def fault(self, result):  # what the function was in that call nobody can say
            return ""

    f = valley(lambda: held[0])
    yield Call(f, OLD)
    yield Unasked(f, NEW, callback=callback, options={"maxiter": 21})
    yield f, NEW
    held[0] = OLD
    yield f, OLD
