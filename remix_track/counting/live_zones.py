"""Who is in which zone now, frame by frame, for events of a run that goes on."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.counting.feet import Feet
from remix_track.counting.on_ground import on_ground
from remix_track.counting.visits import inside_and_outside
from remix_track.counting.zones_file import Zones


class LiveZones:
    """The zones before one camera, and who is in them.

    Attributes:
        names: of the zones.
    """

    def __init__(self, zones: Zones, camera: str) -> None:
        """Begin with empty zones; lines are left out."""
        self._seen = [one for one in zones.before(camera) if one.place.kind == "zone"]
        self._settings = zones.settings
        self._inside: dict[int, set[str]] = {}
        self.names = tuple(one.place.name for one in self._seen)

    def look(self, ids: NDArray[np.int64], xyxy: NDArray[np.floating]) -> dict[int, tuple[str, ...]]:
        """The zones in which each of these people is now, in the order of the file.

        As in `visits`, one who left a zone is in it until further from it than the hysteresis.

        Args:
            ids: (N,) of tracks.
            xyxy: (N, 4) corners of their boxes in pixels.
        """
        zeros = np.zeros(len(ids))
        feet = Feet.of_boxes(ids, zeros, zeros.astype(np.int64), tlwh_from_xyxy(np.asarray(xyxy, np.float64)))
        for seen in self._seen:
            own = on_ground(seen, feet)
            inside, outside = inside_and_outside(seen, own, self._settings)
            held = set(own.track[~outside].tolist())
            for id_ in ids.tolist():
                zones = self._inside.setdefault(id_, set())
                if id_ not in held:
                    zones.discard(seen.place.name)
            for id_ in own.track[inside].tolist():
                self._inside[id_].add(seen.place.name)
        return {id_: tuple(name for name in self.names if name in self._inside.get(id_, ())) for id_ in ids.tolist()}

    def forget(self, ids: Iterable[int]) -> None:
        """These people have left."""
        for id_ in ids:
            self._inside.pop(id_, None)
