"""The people of a store in memory: who a vector is, at once, and what is new is somebody from then on."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.store.centring import Centring
from remix_track.store.identification import Limits, is_sure
from remix_track.store.identify import IdentifySettings, comparable, compare
from remix_track.store.people import PeopleFiles
from remix_track.store.people_log import Log
from remix_track.store.people_means import PeopleMeans

if TYPE_CHECKING:
    from remix_track.store.store import Store


class Recognition(NamedTuple):
    """Who a vector is.

    Attributes:
        person: the nearest one within the largest distance of one person; 0: none.
        distance: mean cosine distance to that person's tracklets; nan.
        runner_up: the nearest other person; 0: there is none.
        runner_up_distance: likewise; nan.
        sure: as `Identities` has it.
    """

    person: int
    distance: float
    runner_up: int
    runner_up_distance: float
    sure: bool


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """See above.

    Attributes:
        means: of the people, without their cameras.
        centring: what is taken out.
        limits: distances.
        cameras: the names of the cameras that `centring` knows, in their order.
        log: names.
    """

    means: PeopleMeans
    centring: Centring
    limits: Limits
    cameras: tuple[str, ...]
    log: Log

    @classmethod
    def of(cls, store: "Store", files: PeopleFiles, settings: IdentifySettings | None = None) -> "Gallery":
        """The people whom the store knows; every vector is read once.

        Raises:
            InputError: the store is damaged.
        """
        tracklets = comparable(store, files.table())
        none = np.zeros(len(tracklets), bool)
        known = compare(store, files, tracklets, settings or IdentifySettings(), wanted=none)
        return cls(known.means, known.centring, known.limits, tracklets.cameras, files.log())

    def after(self, camera: str, vectors: NDArray[np.floating]) -> "Gallery":
        """This after some more tracklets (N, D) of a camera, in the order of time, whose light is followed by them."""
        cameras = self.cameras if camera in self.cameras else (*self.cameras, camera)
        return replace(self, cameras=cameras, centring=self.centring.after(cameras.index(camera), vectors))

    def centred(self, vector: NDArray[np.floating], camera: str | None = None) -> NDArray[np.float32]:
        """A vector (D,) without the light of its camera; None: of an unknown one."""
        number = self.cameras.index(camera) if camera in self.cameras else None
        return np.asarray(self.centring.camera(vector[None], number)[0])

    def recognise(
        self, centred: NDArray[np.floating], excluded: frozenset[int] | set[int] = frozenset()
    ) -> Recognition:
        """Who it is.

        Args:
            centred: (D,), see `centred`.
            excluded: people whom it cannot be, as they are somewhere else now.
        """
        numbers = self.means.numbers
        if not len(numbers) or not centred.any():
            return Recognition(0, np.nan, 0, np.nan, sure=not len(numbers))
        distance = 1 - self.means.products(centred.astype(np.float32))
        distance[np.isin(numbers, list(excluded))] = np.inf
        order = np.argsort(distance, kind="stable")[:2]
        near = [(int(numbers[row]), float(distance[row])) for row in order if np.isfinite(distance[row])]
        near += [(0, np.nan)] * (2 - len(near))
        if not near[0][1] <= self.limits.join:
            near.insert(0, (0, np.nan))
        (person, far), (other, other_far) = near[:2]
        return Recognition(person, far, other, other_far, is_sure(far, other_far, self.limits))
