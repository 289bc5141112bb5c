"""What a page of the server is made of: a request comes in, an answer or a template's values go out.

Pages know nothing of the web framework: `app` turns these into its requests and responses. So a page is a function
that a test can call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from remix_track.errors import InputError
from remix_track.json_text import json_text

LONGEST_VALUE = 2000
"""Letters of one value of a query or a form."""
MOST_FORM = 64 << 10
"""Bytes of a form."""


class NotFoundError(InputError):
    """There is no such page, person, picture, ...: status 404."""


class RefusedError(InputError):
    """What was asked for is not allowed: status 403."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a browser asks for.

    Attributes:
        params: what stands in the braces of the route's path.
        query: what follows `?`; of a name given twice, the last.
        body: of a POST, at most as long as the route allows.
        content_type: of the body, as the browser says.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""

    def number(self, name: str, default: int | None = None, *, low: int = 0, high: int = 2**53) -> int:
        """A whole number of the path or the query.

        Args:
            name: of it.
            default: where it is not given; None: it must be.
            low: smallest.
            high: largest.

        Raises:
            InputError: none, or out of these bounds.
        """
        text = self.params.get(name, self.query.get(name, ""))
        if not text and default is not None:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) <= 16 and low <= int(text) <= high):
            raise InputError(f"{name} {text[:40]!r}: expected a whole number of {low} to {high}")
        return int(text)

    def text(self, name: str, default: str = "") -> str:
        """A value of the path or the query."""
        return self.params.get(name, self.query.get(name, default))[:LONGEST_VALUE]

    def choice(self, name: str, allowed: Mapping[str, Any] | tuple[str, ...], default: str) -> str:
        """One of several words.

        Raises:
            InputError: another one.
        """
        text = self.text(name) or default
        if text not in allowed:
            raise InputError(f"{name} {text[:40]!r}: expected one of {', '.join(allowed)}")
        return text

    def form(self) -> dict[str, str]:
        """The fields of a form that was sent as browsers do it by default; of a name given twice, the last.

        Raises:
            InputError: it is none.
        """
        try:
            pairs = parse_qsl(self.body.decode("utf-8"), keep_blank_values=True, max_num_fields=1000)
        except ValueError as error:
            raise InputError(f"a form that cannot be read ({error})") from None
        return dict(pairs)

    def form_lists(self) -> dict[str, list[str]]:
        """The same, with all values of each name.

        Raises:
            InputError: it is none.
        """
        found: dict[str, list[str]] = {}
        try:
            pairs = parse_qsl(self.body.decode("utf-8"), keep_blank_values=True, max_num_fields=100_000)
        except ValueError as error:
            raise InputError(f"a form that cannot be read ({error})") from None
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """Content as it is: bytes, or a file, of which a browser may ask for ranges."""

    content: bytes | Path
    media_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A template and its values; `app` adds what each page has: see `app.COMMON`."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go to another address of this server; after a POST the browser asks for it with GET."""

    to: str


Handler = Callable[[Request], Answer | Page | Redirect]


@dataclass(frozen=True, slots=True)
class Route:
    """Which requests a function answers.

    Attributes:
        path: with names in braces for parts of it: `/{collection}/person/{person}`.
        handler: takes the request; it runs in a thread, and its `InputError` is shown to the user.
        method: `GET`, or `POST` for whatever changes anything: only then are origin and form token looked at.
        most_bytes: of a body.
    """

    path: str
    handler: Handler
    method: str = "GET"
    most_bytes: int = MOST_FORM


def json_answer(value: Any) -> Answer:
    """A value as JSON."""
    return Answer(json_text(value, compact=True).encode(), "application/json")
