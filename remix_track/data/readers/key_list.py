"""`keys.pkl`: the keys of an LMDB, read by a pickle machine that knows containers, text and numbers and nothing else.

Python's own unpickler, however restricted, lets a small file ask for gigabytes (a memo index of 2^30). This one can
import nothing, call nothing, and holds no more values than the file has bytes.
"""

from pathlib import Path
from typing import Any

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing

LARGEST_FILE = 2 * 2**30
_ADVICE = "write the keys again: pickle.dump([str(key) for key in keys], file)"

# Opcode -> bytes of the length before the letters: (SHORT_)BIN(UNICODE|BYTES|STRING), BINUNICODE8, BINBYTES8.
_TEXT = {0x8C: 1, 0x58: 4, 0x8D: 8, 0x55: 1, 0x54: 4, 0x43: 1, 0x42: 4, 0x8E: 8}
_PUT = {0x71: 1, 0x72: 4}
_GET = {0x68: 1, 0x6A: 4}
_UNSIGNED = {0x4B: 1, 0x4D: 2}
_SKIPPED = {0x80: 1, 0x95: 8}  # PROTO, FRAME
_CONSTANTS = {0x4E: None, 0x88: True, 0x89: False}
_TUPLES = {0x85: 1, 0x86: 2, 0x87: 3}
_MEMOIZE, _MARK, _STOP, _SIGNED, _LONG, _FLOAT = 0x94, 0x28, 0x2E, 0x4A, 0x8A, 0x47
_EMPTY_LISTS, _EMPTY_DICT = frozenset(b"])\x8f"), 0x7D  # list, tuple, set
_LONGEST_NUMBER = 8
_APPEND, _ITEM = 0x61, 0x73
_EXTEND, _ITEMS, _TO_TUPLE = frozenset(b"e\x90"), 0x75, frozenset(b"t\x91")


def read_keys(path: Path) -> list[bytes]:
    """The keys that a pickle of protocol 2 or later lists, UTF-8 encoded, in the file's order.

    Known forms: a list (tuple, set) of keys; `{"keys": [...]}`; `{anything: [keys]}`, as a video or a person;
    `{number: key}`; `{key: anything else}`.

    Args:
        path: the file.

    Raises:
        InputError: not readable, over 2 GiB, cut off, of another form, or with objects other than containers, text and
            numbers (a call is never made, so nothing in the file can run).
    """
    data = read_bounded(path, LARGEST_FILE, "it holds the keys of the LMDB")
    with parsing(path, "a whole pickle of keys", f"copy it again, or {_ADVICE}"):
        try:
            return _keys(_Machine(data).run(), most=len(data))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


class _Machine:
    """Runs one pickle; text becomes bytes, tuples and sets become lists."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: list[Any] = []

    def run(self) -> Any:
        data, stack, memo = self.data, self.stack, self.memo
        while True:
            opcode = data[self.at]
            self.at += 1
            if opcode in _TEXT:
                stack.append(self._take(self._number(_TEXT[opcode])))
            elif opcode == _MEMOIZE:
                memo.append(stack[-1])
            elif opcode in _PUT:
                self._put(self._number(_PUT[opcode]))
            elif opcode == _STOP:
                return stack.pop()
            elif not (self._scalar(opcode) or self._container(opcode)):
                raise InputError(f"holds more than containers, text and numbers (opcode {opcode:#04x}); {_ADVICE}")

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise IndexError
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def _number(self, width: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._take(width), "little", signed=signed)

    def _put(self, index: int) -> None:
        # Writers count up from 0, so an index beyond the end is no honest file.
        if index < len(self.memo):
            self.memo[index] = self.stack[-1]
        elif index == len(self.memo):
            self.memo.append(self.stack[-1])
        else:
            raise IndexError

    def _scalar(self, opcode: int) -> bool:
        if opcode in _UNSIGNED:
            self.stack.append(self._number(_UNSIGNED[opcode]))
        elif opcode in _GET:
            self.stack.append(self.memo[self._number(_GET[opcode])])
        elif opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode])
        elif opcode == _SIGNED:
            self.stack.append(self._number(4, signed=True))
        elif opcode == _LONG:
            digits = self._take(self._number(1))
            # Longer ones stand for themselves by a hash that no file can know: chosen for it, they would all fall into
            # one place of a dictionary, which takes hours to fill.
            long = len(digits) > _LONGEST_NUMBER
            self.stack.append(hash(digits) if long else int.from_bytes(digits, "little", signed=True))
        elif opcode == _FLOAT:
            self.stack.append(float(self._take(8) != bytes(8)))
        elif opcode in _SKIPPED:
            self._take(_SKIPPED[opcode])
        else:
            return False
        return True

    def _container(self, opcode: int) -> bool:
        stack = self.stack
        if opcode == _MARK:
            self.marks.append(len(stack))
        elif opcode in _EMPTY_LISTS:
            stack.append([])
        elif opcode == _EMPTY_DICT:
            stack.append({})
        elif opcode in _TUPLES:
            stack.append(self._above(len(stack) - _TUPLES[opcode]))
        elif opcode in _TO_TUPLE:
            stack.append(self._above(self.marks.pop()))
        elif opcode == _APPEND:
            value = stack.pop()
            stack[-1].append(value)
        elif opcode in _EXTEND:
            values = self._above(self.marks.pop())
            stack[-1].extend(values)
        elif opcode in (_ITEM, _ITEMS):
            values = self._above(len(stack) - 2 if opcode == _ITEM else self.marks.pop())
            stack[-1].update(zip(values[::2], values[1::2], strict=True))
        else:
            return False
        return True

    def _above(self, height: int) -> list[Any]:
        if height < 0:
            raise IndexError
        values = self.stack[height:]
        del self.stack[height:]
        return values


def _keys(value: Any, most: int) -> list[bytes]:
    """The keys in what a pickle gave. Each container is looked at once: it may hold another twice, or itself."""
    outer: set[int] = set()
    while isinstance(value, dict) and isinstance(value.get(b"keys"), list | dict):
        if id(value) in outer:
            raise InputError(f"a dictionary that holds itself; {_ADVICE}")
        outer.add(id(value))
        value = value[b"keys"]
    if isinstance(value, dict):
        value = _of_dictionary(value, most)
    if not isinstance(value, list) or not value:
        raise InputError(f"no list of keys in it; {_ADVICE}")
    for key in value:
        if not isinstance(key, bytes):
            raise InputError(f"one of its keys is not text ({_named(key)}); {_ADVICE}")
    return value


def _of_dictionary(value: dict[Any, Any], most: int) -> list[Any]:
    lists = [inner for inner in value.values() if isinstance(inner, list)]
    if lists and len(lists) == len(value) and all(isinstance(inner[0], bytes) for inner in lists if inner):
        # One inner list named a million times is a bomb, not an index.
        return [key for inner in lists for key in inner] if sum(map(len, lists)) <= most else []
    return list(value.values() if all(isinstance(key, int) for key in value) else value)


def _named(key: object) -> str:
    # A container could be shown for ever.
    return type(key).__name__ if isinstance(key, list | dict) else repr(key)
