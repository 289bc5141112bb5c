"""Addresses of streams without what is secret in them: the one place that decides what of an address is shown or kept.

Whatever may be a password is left out: the name and password before the host, the query, and what lies in the path
beside the names of folders. A password typed with `/`, `?`, `#` or `@` in it moves the borders between these parts, so
where it is not certain which part is the host, nothing of the address is shown.
"""

import re
from typing import NamedTuple
from urllib.parse import quote

HIDDEN = "…"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*"
_ADDRESS = re.compile(rf"({_SCHEME})://(.*)", re.DOTALL)
# A path takes one of the slashes away.
_IN_TEXT = re.compile(
    rf"\b(?:{_SCHEME}://|(?i:rts?m?ps?|https?|udp|srt|mms|ftps?):/(?!/)|{_SCHEME}:/(?=[^\s/]*:[^\s/]*@))"
)
_QUOTED = re.compile(r"[.,;:)\]}>]*['\"]")
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.%]+\])(?::[0-9]{0,5})?")
_FOLDER = re.compile(r"[\w. -]{1,60}")
# Long, with letters and digits: made by a machine, to let people in.
_TOKEN = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[\w-]{20,}")


class Address(NamedTuple):
    """An address taken apart.

    Attributes:
        scheme: in small letters.
        user: name and password as they were typed, without the `@`; empty where there are none.
        host: with its port; empty where it is not certain which part of the address it is.
        rest: path, query and fragment.
    """

    scheme: str
    user: str
    host: str
    rest: str

    @property
    def shown(self) -> str:
        """What may be shown and kept: scheme, host, and the first and last folder of the path where they are plain."""
        if not self.host:
            return f"{self.scheme}://{HIDDEN}"
        path = re.split("[?#]", self.rest, maxsplit=1)[0]
        return f"{self.scheme}://{self.host}{_shown_path(path)}"


def split_address(text: str) -> Address | None:
    """Take an address apart; None where `text` is none.

    A name and password end at the last `@` before the path. Where another `@` follows, they may end at that one
    instead (`user:a/b@host`): that is certain only if what lies before is no host and no second one follows.
    """
    found = _ADDRESS.fullmatch(text)
    if not found:
        return None
    scheme, rest = found[1].lower(), found[2]
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    user, sign, host = authority.rpartition("@")
    tail = rest[len(authority) :]
    if "@" in tail and (sign or ":" in host):
        if _HOST.fullmatch(host) or rest.count("@") > 1:
            return Address(scheme, rest, "", "")
        user, _, rest = rest.partition("@")
        host = re.split("[/?#]", rest, maxsplit=1)[0]
        tail = rest[len(host) :]
    if not _HOST.fullmatch(host):
        return Address(scheme, rest, "", "")
    return Address(scheme, user, host, tail)


def shown_address(text: str) -> str:
    """What of an address may be shown and kept; `text` itself where it is no address."""
    address = split_address(text)
    return text if address is None else address.shown


def usable_address(text: str) -> str:
    """The address with name and password written so that no letter of them is taken for a border between its parts."""
    address = split_address(text)
    if address is None or not address.host or not address.user:
        return text
    user = quote(address.user, safe="%:!$&'()*+,;=~-._")
    return f"{text.partition('://')[0]}://{user}@{address.host}{address.rest}"


def without_passwords(text: str) -> str:
    """A message with the addresses in it as they may be shown."""
    starts = [found.span() for found in _IN_TEXT.finditer(text)]
    if not starts:
        return text
    ends = [begin for begin, _ in starts[1:]] + [len(text)]
    shown = [
        _shown_in_text(text[max(begin - 1, 0) : begin], text[begin:inner], text[inner:end])
        for (begin, inner), end in zip(starts, ends, strict=True)
    ]
    return text[: starts[0][0]] + "".join(shown)


def _shown_in_text(before: str, scheme: str, after: str) -> str:
    word = re.match(r"[^\s'\"]*", after)[0].rstrip(".,;:)]}>")  # type: ignore[index]
    address = split_address(f"{scheme.partition(':')[0]}://{word}")
    if word == HIDDEN or address is None or scheme.lower() == "file://":
        return scheme + after
    rest = after[len(word) :]
    quoted = _QUOTED.match(rest)
    # A quotation mark that does not end what one before the address began is of the password.
    cut_short = quoted is not None and quoted[0][-1] != before
    if "@" in (after if word and not address.host else rest if cut_short else ""):
        # Blanks and quotation marks may be of the password too.
        address = Address(address.scheme, "", "", "")
        word = after[: re.compile(r"@[^\s'\"]*").search(after, after.rindex("@")).end()]  # type: ignore[union-attr]
    return (address.shown if word else scheme) + after[len(word) :]


def _shown_path(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    if len(parts) > 2:
        parts[1:-1] = [HIDDEN]
    return "".join(f"/{part if _is_folder(part) else HIDDEN}" for part in parts)


def _is_folder(part: str) -> bool:
    return _FOLDER.fullmatch(part) is not None and not _TOKEN.search(part)
