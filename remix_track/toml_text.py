"""TOML read with bounds: what nests without end, or takes hours to read, is refused before it is read."""

import re
import tomllib
from typing import Any

MOST_LEVELS = 32
"""Tables and arrays within each other, and names in a dotted key. The parser copies a dotted key once for each name in
it: a megabyte of `a.a.a` would take hours."""

_STRINGS_AND_COMMENTS = re.compile(
    r'"""(?:\\.|[^\\])*?"""|' + r"'''.*?'''|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'|#[^\n]*", re.DOTALL
)
_NAME = r"[ \t]*\.[ \t]*[^\s.,=\[\]{}]+"
_LONG_KEY = re.compile(f"(?:{_NAME}){{{MOST_LEVELS}}}")


def parse_toml(content: bytes) -> dict[str, Any]:
    """The values in the bytes of a TOML file; a byte order mark, as Windows writes it, is passed over.

    Raises:
        ValueError: it nests deeper than `MOST_LEVELS`, is not TOML in UTF-8, or has a number of more digits than Python
            reads.
    """
    text = content.decode("utf-8-sig")
    # What is in quotation marks does not nest; a comment neither.
    bare = _STRINGS_AND_COMMENTS.sub(lambda found: "" if found[0].startswith("#") else "x", text)
    if _levels(bare) > MOST_LEVELS or _LONG_KEY.search(bare):
        raise ValueError(f"nests more than {MOST_LEVELS} levels deep")
    return tomllib.loads(text)


def _levels(bare: str) -> int:
    level = most = 0
    for bracket in re.findall(r"[\[\]{}]", bare):
        level = max(0, level + (1 if bracket in "[{" else -1))
        most = max(most, level)
    return most
