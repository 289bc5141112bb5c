"""Who may ask the server, and for what: checked before any page is.

A browser sends requests to the loopback for whatever site is open in it. So the host must be one of ours (no foreign
name that was made to lead here), and what changes anything must come from a page of ours: by its origin, and by a
token that only our pages know. Beyond the loopback everybody needs the token that the command printed.
"""

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

COOKIE = "remix-track-view"
FORM_TOKEN = "form_token"
"""Name of the field of each form, and of the header `X-Form-Token`, that hold the token of a page of ours."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # Of forms, "no-referrer" would take the origin away, which is looked at.
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    # What `forget` deletes must not lie in a browser's cache.
    "cache-control": "no-store",
}
"""Of every answer."""


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one server.

    Attributes:
        host: it listens at, as the user gave it.
        token: that everybody must know; empty on the loopback.
        form_token: that pages of ours know.
    """

    host: str = "127.0.0.1"
    token: str = ""
    form_token: str = field(default_factory=secrets.token_urlsafe)

    @classmethod
    def to(cls, host: str) -> "Access":
        """Free on the loopback, with a new token elsewhere."""
        return cls(host, "" if is_loopback(host) else secrets.token_urlsafe())

    def allows_host(self, header: str) -> bool:
        """Whether the `Host` of a request is us: an address, this machine's name, or the host as it was given."""
        name = host_name(header)
        known = {"localhost", self.host.lower()} | ({socket.gethostname().lower()} if self.token else set())
        if name in known:
            return True
        # A name can be made to lead anywhere, an address cannot.
        return is_loopback(name) or (bool(self.token) and is_address(name))

    def knows(self, token: str) -> bool:
        """Whether this is the token, compared in a time that tells nothing."""
        return not self.token or hmac.compare_digest(token.encode(), self.token.encode())

    def allows_change(self, headers: Mapping[str, str], form_token: str) -> bool:
        """Whether a POST comes from a page of ours.

        Args:
            headers: of the request, names in small letters.
            form_token: that it brought.
        """
        origin = headers.get("origin", "")
        same = urlsplit(origin).netloc.lower() == headers.get("host", "").lower() and origin.startswith("http")
        return same and hmac.compare_digest(form_token.encode(), self.form_token.encode())


def host_name(header: str) -> str:
    """The name in a `Host` header, without the port, in small letters; empty where it is none."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(host: str) -> bool:
    """Whether it is an IP address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
