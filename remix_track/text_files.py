"""Text files written atomically, in UTF-8 whatever the names in the text contain."""

import re
from pathlib import Path

from remix_track.output_files import atomic_write

_SURROGATE = re.compile("[\ud800-\udfff]")


def utf8(text: str) -> str:
    r"""`text` with letters that UTF-8 has none for written out: `a\xff.avi` for a name that is not UTF-8.

    Names of files are bytes on Linux. Python keeps those that are no UTF-8 as halves of surrogate pairs, which no file
    of text or JSON may hold.
    """
    return _SURROGATE.sub(lambda found: _written_out(ord(found[0])), text)


def write_text(path: Path, text: str) -> None:
    """Write a file of text in one piece.

    Raises:
        InputError: it cannot be written, see `atomic_write`.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(utf8(text), encoding="utf-8")


def _written_out(code: int) -> str:
    byte = code - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else f"\\u{code:04x}"
