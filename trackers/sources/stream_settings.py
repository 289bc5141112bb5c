"""How patient cameras and streams are."""

import math
from dataclasses import dataclass, field
from typing import Literal

from remix_track.errors import InputError


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What is done when a camera or a stream breaks off, and how long the network may be silent.

    Attributes:
        reconnect_tries: connections attempted after one that broke, until one gives a picture again: a number, or
            "forever". "auto" is for ever for cameras and RTSP; for ever for a live stream over HTTP that has run for a
            minute, else 6, as what ends sooner may be a clip whose length nothing tells; and 5 for a recording.
        reconnect_wait: seconds before the first of them; each next one waits twice as long.
        reconnect_longest_wait: the bound of that.
        stream_connect_timeout: seconds until a connection must stand.
        stream_timeout: seconds without a byte after which a connection counts as broken.
        stream_keep: pictures of a live stream that may wait for the tracker; older ones are passed over.

    Raises:
        InputError: a value out of its range.
    """

    reconnect_tries: int | Literal["auto", "forever"] = field(
        default="auto",
        metadata={
            "help": "tries after a camera or stream broke off: a number, forever, or auto (forever if it is live)"
        },
    )
    reconnect_wait: float = field(
        default=1.0, metadata={"help": "seconds before the first try; each next one waits twice as long"}
    )
    reconnect_longest_wait: float = field(default=30.0, metadata={"help": "seconds that a try waits at most"})
    stream_connect_timeout: float = field(
        default=10.0, metadata={"help": "seconds until a stream's connection must stand"}
    )
    stream_timeout: float = field(
        default=10.0, metadata={"help": "seconds of silence after which a stream counts as broken off"}
    )
    stream_keep: int = field(
        default=8, metadata={"help": "pictures of a live stream that may wait for the tracker; older ones are left out"}
    )

    def __post_init__(self) -> None:
        if isinstance(self.reconnect_tries, int) and self.reconnect_tries < 0:
            raise InputError(f"reconnect_tries = {self.reconnect_tries}; expected 0 or more, forever, or auto")
        for name in ("reconnect_wait", "reconnect_longest_wait"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} = {getattr(self, name)}; expected seconds, 0 or more")
        for name in ("stream_connect_timeout", "stream_timeout"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} = {getattr(self, name)}; expected seconds, above 0")
        if not 1 <= self.stream_keep <= 1000:
            raise InputError(f"stream_keep = {self.stream_keep}; expected 1 to 1000")

    def tries(self, auto: int | None) -> int | None:
        """How many there are, None for ever, where "auto" means `auto`."""
        if self.reconnect_tries == "auto":
            return auto
        return None if self.reconnect_tries == "forever" else self.reconnect_tries
