import errno

import numpy as np
import pytest

from remix_track.errors import InputError, is_out_of_memory, parsing


def np_memory_error():
    with pytest.raises(MemoryError) as caught:
        np.empty(2**56, np.uint8)
    return caught.value


def raising(error):
    with parsing("a.bin", "a table", "write it again"):
        raise error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ZeroDivisionError("by zero"), "by zero"),
        (RecursionError("maximum recursion depth"), "nested too deeply"),
        (MemoryError(), "it asks for more memory than there is"),
        (KeyError("x\ny"), "'x\\ny'"),
        (RuntimeError("first\nsecond"), "first"),
        (AssertionError(), "AssertionError"),
        (OSError("x" * 500), "x" * 200),
    ],
)
def test_whatever_a_parser_raises_is_one_line(error, why):
    with pytest.raises(InputError) as caught:
        raising(error)
    assert str(caught.value) == f"a.bin: cannot be read as a table ({why}); write it again"
    assert caught.value.__cause__ is error


def test_an_input_error_passes_as_it_is():
    mine = InputError("mine")
    with pytest.raises(InputError) as caught:
        raising(mine)
    assert caught.value is mine


def test_what_stops_a_run_passes():
    with pytest.raises(KeyboardInterrupt):
        raising(KeyboardInterrupt())


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (MemoryError(), True),
        (np_memory_error(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8000000000 bytes."), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("Exception from core.cpp:123:\nstd::bad_alloc\n"), True),
        (RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), True),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("size mismatch"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RecursionError("maximum recursion depth exceeded"), False),
    ],
)
def test_too_little_memory_is_known_by_all_its_names(error, memory):
    assert is_out_of_memory(error) is memory


def test_too_little_memory_is_known_behind_another_error():
    error = RuntimeError("the model was not loaded")
    error.__cause__ = MemoryError()
    assert is_out_of_memory(error)
