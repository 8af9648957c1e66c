"""The decorators that every compiled function here goes through.

``entry`` is for functions that Python calls: cached on disk, without the GIL. ``brief`` is an entry
that keeps the GIL, for the calls of a request. ``inner`` is for functions that only compiled code
calls: they are compiled into their callers, and never on their own. ``inlined`` is for those of them that are
called for every event, where a call costs as much as what it does. None lets the compiler reorder or
fuse floating-point arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic
from numpy.typing import NDArray

from tidewheel.kernel.cache import code_folder

Array = NDArray[Any]
"""An array of words as compiled code sees it: its elements are machine integers and floats."""
Word = Any
"""A machine integer: an int to whoever reads the code, an int64 when compiled."""
F = TypeVar("F", bound=Callable[..., Any])


def entry(function: F) -> F:
    """Compile `function` on its first call; keep the machine code in this build's cache folder."""
    return _cached(function, nogil=True)


def brief(function: F) -> F:
    """Do as `entry` does, keeping the GIL: what lasts a few microseconds is sooner done than a GIL is got back."""
    return _cached(function, nogil=False)


def _cached(function: F, *, nogil: bool) -> F:
    settings = cast(Any, config)
    before = settings.CACHE_DIR
    settings.CACHE_DIR = code_folder()
    try:
        return cast(F, numba.njit(nogil=nogil, cache=True, error_model="numpy", fastmath=False)(function))
    finally:
        settings.CACHE_DIR = before


def inner(function: F) -> F:
    """Compile `function` into the compiled functions that call it."""
    return cast(F, numba.njit(nogil=True, error_model="numpy", fastmath=False)(function))


def inlined(function: F) -> F:
    """Compile `function` in the place of each call to it."""
    return cast(F, numba.njit(nogil=True, error_model="numpy", fastmath=False, forceinline=True)(function))


def _bits_to_float(_context: Any, word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), generate


def _bits_to_word(_context: Any, number: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), generate


as_float: Callable[[Any], Any] = cast(Any, intrinsic)(_bits_to_float)
"""Read an int64 word's bits as a float64."""
as_word: Callable[[Any], Any] = cast(Any, intrinsic)(_bits_to_word)
"""Read a float64's bits as an int64 word."""


def _array_to_pointer(_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return cast(Any, types).CPointer(array.dtype)(array), generate


def _do_nothing(_context: Any, array: Any) -> Any:
    def generate(context: Any, _builder: Any, _signature: Any, _args: Any) -> Any:
        return context.get_dummy_value()

    return types.none(array), generate


pointer: Callable[[Any], Any] = cast(Any, intrinsic)(_array_to_pointer)
"""Return where a contiguous array's elements are.

Indexing works as on the array, without counting references and without negative indices: an event
costs a fifth of what it does otherwise. Arguments outlive a call; an array made in the function must be
named in `keep` after the pointer's last use.
"""
keep: Callable[[Any], Any] = cast(Any, intrinsic)(_do_nothing)
"""Keep an array alive up to here."""


def _prefetch(_context: Any, array: Any, place: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64).as_pointer(), flag, flag, flag])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [kind.args[0]], kind)
        builder.call(fetch, [builder.gep(args[0], [args[1]]), flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.none(array, place), generate


prefetch: Callable[[Any, Any], Any] = cast(Any, intrinsic)(_prefetch)
"""Have the processor fetch the word at a place of a `pointer`, and what lies beside it: it is needed soon.

Nothing is read: a place that does not exist does no harm. It pays where places are scattered over more memory than
the caches hold, and known some time before.
"""
