"""Where events go: an MQTT broker, or a web server. Each delivers one event and says whether it arrived."""

import base64
import contextlib
import urllib.error
import urllib.request
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from remix_track.addresses import shown_address, split_address, usable_address
from remix_track.errors import InputError
from remix_track.extras import extra
from remix_track.trackers.sinks import home_assistant

TIMEOUT = 10.0
"""Seconds in which a receiver has to confirm an event."""
SCHEMES = ("mqtt", "mqtts", "http", "https")
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_AGAIN = (408, 425, 429)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A POST would go on as a GET without the event, and take the password along."""

    def redirect_request(self, *_: Any) -> None:
        """None: the answer is an error."""


class Refused(Exception):  # noqa: N818 (what a receiver does with an event, not an error of ours)
    """The receiver is there and does not take this event, now or later."""


class Target(Protocol):
    """Delivers events one by one.

    Attributes:
        shown: what of its address may be shown.
    """

    shown: str

    def send(self, event: bytes) -> None:
        """Deliver; returns when the receiver has confirmed.

        Raises:
            OSError: it did not; the event is to be sent again.
            Refused: it never will.
        """

    def close(self) -> None:
        """Hang up."""


def open_target(address: str, *, discovery: bool = False) -> Target:
    """The receiver of this address; it need not be there yet.

    Args:
        address: `mqtt://HOST/TOPIC` or `https://HOST/PATH`.
        discovery: see `MqttTarget`.

    Raises:
        InputError: no address of a receiver, one that has no discovery, or the package that it needs is missing.
    """
    parts = split_address(address)
    if parts is None or parts.scheme not in SCHEMES or not parts.host:
        shown = shown_address(address)
        raise InputError(
            f"`events` {shown}: not the address of a receiver; give mqtt://HOST/TOPIC, https://HOST/PATH or a file"
        )
    if parts.scheme in _PORTS:
        return MqttTarget(address, discovery=discovery)
    if discovery:
        raise InputError(
            f"`events_discovery` is for a broker; {shown_address(address)} is none: give mqtt://HOST/TOPIC"
        )
    return HttpTarget(address)


def _account(address: str) -> tuple[str, str] | None:
    """Name and password of an address."""
    user, colon, password = (split_address(address) or ("", "", "", ""))[1].partition(":")
    return (unquote(user), unquote(password)) if user or colon else None


class HttpTarget:
    """POSTs each event as JSON; any answer from 200 to 299 confirms it."""

    def __init__(self, address: str) -> None:
        self.shown = shown_address(address)
        parts = split_address(address)
        assert parts is not None
        self._url = f"{parts.scheme}://{parts.host}{parts.rest.partition('#')[0] or '/'}"
        self._headers = {"Content-Type": "application/json", "User-Agent": "remix-track"}
        account = _account(address)
        if account is not None:
            word = base64.b64encode(":".join(account).encode()).decode("ascii")
            self._headers["Authorization"] = f"Basic {word}"
        self._opener = urllib.request.build_opener(_NoRedirect)

    def send(self, event: bytes) -> None:
        """See `Target`."""
        request = urllib.request.Request(self._url, event, self._headers, method="POST")
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                answer.read(1024)
        except urllib.error.HTTPError as error:
            error.close()
            if 400 <= error.code < 500 and error.code not in _AGAIN:
                raise Refused(f"answered {error.code}") from None
            raise OSError(f"answered {error.code}") from None
        except urllib.error.URLError as error:
            raise OSError(_reason(error.reason)) from None
        except OSError as error:
            raise OSError(_reason(error)) from None
        except Exception as error:  # an answer that is no HTTP
            raise OSError(type(error).__name__) from None

    def close(self) -> None:
        """Nothing is held open."""


class MqttTarget:
    """Publishes each event with quality of service 1; the broker's PUBACK confirms it.

    After a failure the client is given up and a new one made, so that nothing but the spool repeats events, in order.

    Args:
        address: `mqtt://HOST/TOPIC`.
        discovery: Home Assistant is told of each camera, and how many people are in view; see `home_assistant`.
    """

    def __init__(self, address: str, *, discovery: bool = False) -> None:
        self.shown = shown_address(address)
        self._paho = extra("paho.mqtt.client", "events", "`events` mqtt://")
        found = urlsplit(usable_address(address))
        self._tls = found.scheme == "mqtts"
        try:
            self._host, self._port = found.hostname or "", found.port or _PORTS[found.scheme]
        except ValueError:
            raise InputError(f"`events` {self.shown}: the port is no number up to 65535") from None
        self._topic = unquote(found.path).strip("/")
        wild = found.fragment or found.query or any(letter in self._topic for letter in "+#\0")
        if not self._topic or wild or address.endswith("#"):
            raise InputError(f"`events` {self.shown}: names no topic; give mqtt://HOST/TOPIC, such as site/people")
        self._account = _account(address)
        self._client: Any = None
        self._discovery = discovery
        self._kept: dict[str, bytes] = {}

    def send(self, event: bytes) -> None:
        """See `Target`."""
        try:
            of_home = (home_assistant.announcements, home_assistant.values) if self._discovery else ()
            kept = [make(self._topic, event) for make in of_home]
        except (ValueError, LookupError, TypeError):
            raise Refused("holds no event") from None
        try:
            if self._client is None:
                self._client = self._connected()
            self._publish(self._topic, event)
            for messages in kept:
                self._keep(messages)
        except (OSError, ValueError, RuntimeError) as error:
            self.close()
            # paho raises the latter two where it is not connected any more.
            raise OSError(_reason(error) if isinstance(error, OSError) else "the connection broke") from None

    def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        message = self._client.publish(topic, payload, qos=1, retain=retain)
        message.wait_for_publish(TIMEOUT)
        if not message.is_published():
            raise OSError("did not confirm")

    def _keep(self, messages: dict[str, bytes]) -> None:
        """Publish what the broker is to keep for those who come later, where it does not have it from this client."""
        for topic, payload in messages.items():
            if self._kept.get(topic) != payload:
                self._publish(topic, payload, retain=True)
                self._kept[topic] = payload

    def _connected(self) -> Any:
        client = self._paho.Client(self._paho.CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        if self._account is not None:
            client.username_pw_set(*self._account)
        if self._tls:
            client.tls_set()
        client.connect_timeout = TIMEOUT
        status = home_assistant.status_topic(self._topic)
        if self._discovery:
            client.will_set(status, home_assistant.OFFLINE, qos=1, retain=True)
        client.connect(self._host, self._port, keepalive=30)
        client.loop_start()
        if self._discovery:
            client.publish(status, home_assistant.ONLINE, qos=1, retain=True)
        return client

    def close(self) -> None:
        """Hang up."""
        client, self._client = self._client, None
        self._kept = {}
        if client is not None:
            with contextlib.suppress(Exception):
                if self._discovery:  # the broker does so itself only where the connection breaks
                    status = home_assistant.status_topic(self._topic)
                    client.publish(status, home_assistant.OFFLINE, qos=1, retain=True).wait_for_publish(1.0)
                client.disconnect()
                client.loop_stop()


def _reason(error: object) -> str:
    """Why it failed, without the address, which may hold a password."""
    return str(getattr(error, "strerror", None) or error) if isinstance(error, OSError) else type(error).__name__
