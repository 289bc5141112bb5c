import pytest

from remix_track.errors import InputError, parsing


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
