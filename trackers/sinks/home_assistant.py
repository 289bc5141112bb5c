"""What Home Assistant is told so that it makes sensors of a camera by itself: its MQTT discovery, and their values.

Source: Home Assistant's documentation, "MQTT discovery", "MQTT sensor" and "MQTT binary sensor".
"""

import json
import re
from typing import Any

from remix_track.digests import key_of
from remix_track.json_text import json_text

PREFIX = "homeassistant"
"""Topic below which Home Assistant listens, unless it was told another."""
ONLINE, OFFLINE = b"online", b"offline"


def status_topic(topic: str) -> str:
    """Where it says whether what sends the events to `topic` is there."""
    return f"{topic}/status"


def values(topic: str, event: bytes) -> dict[str, bytes]:
    """How many people are in view after an event, by the topic that says so.

        assert values("site", b'{"in_view": 2, "after": {"camera": "gate"}}') == {"site/gate/people": b"2"}

    Args:
        topic: of the events.
        event: one of them, see `docs/reference/events.md`.
    """
    made: dict[str, Any] = json.loads(event)
    if "in_view" not in made:  # it waited in a spool since an earlier release
        return {}
    return {_people_topic(topic, str(made["after"]["camera"])): str(int(made["in_view"])).encode()}


def announcements(topic: str, event: bytes) -> dict[str, bytes]:
    """The two sensors of the camera that an event is of, by the topics on which Home Assistant hears of them.

    Args:
        topic: of the events.
        event: one of them.
    """
    camera = str(json.loads(event)["after"]["camera"])
    name = f"remix_track_{key_of({'topic': topic, 'camera': camera})[:12]}"
    common = {
        "state_topic": _people_topic(topic, camera),
        "availability_topic": status_topic(topic),
        "device": {"identifiers": [name], "name": camera, "manufacturer": "remix-track", "model": "camera"},
    }
    people = {"name": "People", "icon": "mdi:account-group", "state_class": "measurement"}
    occupancy = {
        "name": "Occupancy",
        "device_class": "occupancy",
        "value_template": "{{ 'ON' if value | int > 0 else 'OFF' }}",
    }
    return {
        f"{PREFIX}/{kind}/{name}/{what}/config": json_text(
            {"unique_id": f"{name}_{what}", **own, **common}, compact=True
        ).encode()
        for kind, what, own in (("sensor", "people", people), ("binary_sensor", "occupancy", occupancy))
    }


def _people_topic(topic: str, camera: str) -> str:
    """A camera's name may hold what is no part of a topic: a level of its own, or a wildcard."""
    level = re.sub(r"[^\w.-]+", "_", camera)
    return f"{topic}/{level}/people"
