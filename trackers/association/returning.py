"""Who comes back after a while: a new track is given the id of somebody of the same video whom it looks like.

Who was hidden for long is out of reach of any motion model, and a threshold of appearance alone takes the nearest
stranger for them. So a track, when it is named, is compared with all who are absent and with all who are here: it is
the absent one only if that is well within the calibrated distance, and much nearer than anybody else, as in the ratio
test of Lowe (2004, "Distinctive image features", section 7.1). A wrong id costs more than a new one.
"""

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.association.appearance_memory import AppearanceMemory
from remix_track.trackers.association.frame_borders import at_side
from remix_track.trackers.association.track_table import Table

SURE = 0.8
"""Largest distance of a new track to an absent one, as a share of `max_cosine_distance`."""

MARGIN = 0.7
"""The same, as a share of the distance to the nearest of all others."""

LEAST = 10
"""Vectors that the absent one has to have given: the mean of fewer may be that of who stood in front."""

MOST = 200
"""Ended tracks that are remembered, the newest."""

AWAY = 30
"""Frames at 30 fps after which a track that has not ended counts as absent too."""

Index = NDArray[np.intp]
Ids = NDArray[np.int64]


class ReturningTracks:
    """The tracks of one video that have ended, and the question whether a new one is one of them."""

    def __init__(self, memory: AppearanceMemory, max_distance: float, away: int, *, match_classes: bool = True) -> None:
        """Remember no track yet.

        Args:
            memory: what live tracks remember.
            max_distance: largest cosine distance of one person's vectors, as calibrated.
            away: frames without a detection after which a live track is absent.
            match_classes: a track is only one of its own class.
        """
        self._memory = memory
        self._limit = SURE * max_distance
        self._away = away
        self._match_classes = match_classes
        self.forget()

    def forget(self) -> None:
        """Nobody is absent any more: another scene begins."""
        self._ids = np.empty(0, np.int64)
        self._means: NDArray[np.float32] | None = None
        self._tlwh = np.empty((0, 4), np.float32)
        self._classes = np.empty(0, np.int64)

    def note_ended(self, ended: Table) -> None:
        """Remember tracks that end now, as far as they have an id and enough vectors."""
        known = ended[(ended["public_id"] > 0) & (self._memory.sizes(ended["memory"]) >= LEAST)]
        if len(known):
            ids, means, tlwh, classes = self._absent(known)
            self._ids, self._tlwh, self._classes = ids[-MOST:], tlwh[-MOST:], classes[-MOST:]
            self._means = None if means is None else means[-MOST:]

    def find(self, tracks: Table, fresh: Index, frame_width: int | None) -> Ids:
        """Who of the absent the tracks at rows `fresh` are, which have no id yet.

        Who left at a side of the image and who enters at one count as two people, as in the benchmarks; see
        `frame_borders`.

        Args:
            tracks: T live tracks.
            fresh: (K,) rows.
            frame_width: pixels; None: not known, so that no track has left at a side.

        Returns:
            (K,) ids, of ended tracks or of live ones that are absent, none twice; 0: somebody new. Of those found no
            ended track is remembered any more.
        """
        found, held = np.zeros(len(fresh), np.int64), self._memory.sizes(tracks["memory"])
        named, away = tracks["public_id"] > 0, tracks["time_since_update"] >= self._away
        ids, absent, last, classes = self._absent(tracks[named & away & (held >= LEAST)])
        if absent is None:
            return found
        present = tracks[named & ~away & (held > 0)]
        here = self._memory.mean(present["memory"])
        for place in np.flatnonzero(held[fresh] > 0).tolist():
            one = tracks[fresh[place : place + 1]]
            mine, theirs = self._alike(classes, one), self._alike(present["class_id"], one)
            if not len(mine):
                continue
            nearest = self._nearest(self._memory.mean(one["memory"])[0], absent[mine], here[theirs])
            if nearest is None or ids[nearest := int(mine[nearest])] in found:
                continue
            left = frame_width is not None and at_side(np.stack([last[nearest], one["tlwh"][0]]), frame_width).all()
            found[place] = 0 if left else ids[nearest]
        self._drop(found)
        return found

    def _alike(self, classes: Ids, one: Table) -> NDArray[np.intp]:
        """Rows of `classes` that are the class of one track; all where classes do not matter."""
        return np.flatnonzero((classes == one["class_id"][0]) | (not self._match_classes))

    def _absent(self, tracks: Table) -> tuple[Ids, NDArray[np.float32] | None, NDArray[np.float32], Ids]:
        """Ids, means, last boxes and classes of the ended, and of these live tracks after them; no means: no such."""
        if not len(tracks):
            return self._ids, self._means, self._tlwh, self._classes
        means = self._memory.mean(tracks["memory"])
        means = means if self._means is None else np.concatenate([self._means, means])
        tlwh = np.concatenate([self._tlwh, tracks["tlwh"]])
        return np.append(self._ids, tracks["public_id"]), means, tlwh, np.append(self._classes, tracks["class_id"])

    def _nearest(self, mean: NDArray[np.float32], absent: NDArray[np.float32], here: NDArray[np.float32]) -> int | None:
        """The absent one (of A, D) that a mean (D,) is of: near enough, and much nearer than all others (of H, D)."""
        distance = 1.0 - absent @ mean
        nearest = int(distance.argmin())
        others = np.concatenate([np.delete(distance, nearest), 1.0 - here @ mean])
        limit = min(self._limit, MARGIN * float(others.min(initial=np.inf)))
        return nearest if distance[nearest] <= limit else None

    def _drop(self, found: Ids) -> None:
        kept = ~np.isin(self._ids, found)
        if not kept.all():
            self._ids, self._tlwh, self._classes = self._ids[kept], self._tlwh[kept], self._classes[kept]
            self._means = None if self._means is None or not kept.any() else self._means[kept]
