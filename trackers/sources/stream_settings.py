"""How patient cameras and streams are."""

from dataclasses import dataclass
from typing import Literal

from remix_track.settings import check, setting


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What is done when a camera or a stream breaks off, and how long the network may be silent.

    Attributes:
        reconnect_tries: connections attempted after one that broke, until one gives an image again: a number, or
            "forever". "auto" is for ever for cameras and RTSP; for ever for a live stream over HTTP that has run for a
            minute, else 6, as what ends sooner may be a clip whose length nothing tells; and 5 for a recording.
        reconnect_wait: seconds before the first of them; each next one waits twice as long.
        reconnect_longest_wait: the bound of that.
        stream_connect_timeout: seconds until a connection must stand.
        stream_timeout: seconds without a byte after which a connection counts as broken.
        stream_keep: images of a live stream that may wait for the tracker; older ones are passed over.

    Raises:
        InputError: a value that does not fit its field.
    """

    reconnect_tries: int | Literal["auto", "forever"] = setting(
        "auto",
        "tries after a camera or stream broke off: a number, forever, or auto (forever if it is live)",
        low=0,
        common=True,
    )
    reconnect_wait: float = setting(1.0, "seconds before the first try; each next one waits twice as long", low=0)
    reconnect_longest_wait: float = setting(30.0, "seconds that a try waits at most", low=0)
    stream_connect_timeout: float = setting(10.0, "seconds to wait for the connection to a stream", above=0)
    stream_timeout: float = setting(10.0, "seconds of silence after which a stream counts as broken off", above=0)
    stream_keep: int = setting(
        8, "images of a live stream that may wait for the tracker; older ones are left out", low=1, high=1000
    )

    def __post_init__(self) -> None:
        check(self)

    def tries(self, auto: int | None) -> int | None:
        """How many there are, None for ever, where "auto" means `auto`."""
        if self.reconnect_tries == "auto":
            return auto
        return None if self.reconnect_tries == "forever" else self.reconnect_tries
