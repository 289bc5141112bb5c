"""Who may ask the server, and for what: checked before any page is.

A browser sends requests to the loopback for whatever site is open in it. So the host must be one of ours (no foreign
name that was made to lead here), and what changes anything must come from a page of ours: by its origin, and by a
token that only our pages know. Beyond the loopback everybody needs the token that the command printed.
"""

import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

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

    @property
    def cookie(self) -> str:
        """The name of the cookie with the token: another one for each server, as browsers tell ports of a host not
        apart.
        """
        return f"remix-track-view-{hashlib.sha256(self.token.encode()).hexdigest()[:12]}"

    def knows_form(self, token: str) -> bool:
        """Whether this is the token of our pages."""
        return hmac.compare_digest(token.encode(), self.form_token.encode())


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site loads something from here (browsers say so); following a link to here is none.

    Args:
        headers: of the request, names in small letters.
    """
    from_elsewhere = headers.get("sec-fetch-site", "") in ("cross-site", "same-site")
    opens = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest", "document") == "document"
    return from_elsewhere and not opens


def is_from_here(headers: Mapping[str, str]) -> bool:
    """Whether the page that sends a POST is of this server.

    Args:
        headers: of the request, names in small letters.
    """
    origin, host = headers.get("origin", ""), headers.get("host", "")
    return bool(host) and origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def cookie_in(header: str, name: str) -> str:
    """The value of a cookie, whatever stands beside it; empty where it is not there."""
    pairs = [one.strip().partition("=") for one in header.split(";")]
    return next((value for found, _, value in pairs if found == name), "")


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
