"""Mini-batches of P identities with exactly K images each, from both kinds of data; a pure function of the step."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError

logger = logging.getLogger(__name__)

_MULTI, _SINGLE = 0, 1


@dataclass(frozen=True, slots=True)
class MixSettings:
    """The shape of a mini-batch and of an epoch. The defaults are this project's reading of ReMix's.

    Attributes:
        multi_identities: P of the labelled multi-camera half.
        multi_images: K of that half.
        single_identities: P of the pseudo-labelled single-camera half; 0 trains without it.
        single_images: K of that half.
        iterations_per_epoch: mini-batches between two rounds of pseudo labels.

    Raises:
        InputError: a number out of range.
    """

    multi_identities: int = 8
    multi_images: int = 4
    single_identities: int = 8
    single_images: int = 4
    iterations_per_epoch: int = 400

    def __post_init__(self) -> None:
        for name in ("multi_identities", "multi_images", "single_images", "iterations_per_epoch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)} is out of range; expected 1 or more")
        if self.single_identities < 0:
            raise InputError(f"single_identities = {self.single_identities} is out of range; expected 0 or more")


@dataclass(frozen=True, slots=True, eq=False)
class IdentityIndex:
    """The images of each identity, as slices.

    Attributes:
        rows: (M,) int64 rows in the store, those of one identity together, those of one camera together within it.
        camera: (M,) int16 camera of each.
        offsets: (I + 1,) int64; identity i is `rows[offsets[i]:offsets[i + 1]]`.
        labels: (I,) int32 its label, ascending.
    """

    rows: NDArray[np.int64]
    camera: NDArray[np.int16]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        identity: NDArray[np.integer],
        camera: NDArray[np.integer] | None = None,
        rows: NDArray[np.integer] | None = None,
    ) -> "IdentityIndex":
        """Group labels.

        Args:
            identity: (N,) labels; below 0 (junk, distractors, outliers) is left out.
            camera: (N,) cameras; None: all of one camera, or of none.
            rows: (N,) where each lies in the store; None: 0..N-1.
        """
        cameras = np.zeros(len(identity), np.int16) if camera is None else np.asarray(camera, np.int16)
        places = np.arange(len(identity)) if rows is None else np.asarray(rows, np.int64)
        known = np.flatnonzero(identity >= 0)
        order = known[np.lexsort((places[known], cameras[known], identity[known]))]
        labels, counts = np.unique(identity[order], return_counts=True)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(places[order].astype(np.int64), cameras[order], offsets, labels.astype(np.int32))

    def __len__(self) -> int:
        return len(self.labels)

    def draw(self, which: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
        """`count` rows of identity number `which`.

        Cameras take turns, and none gives an image twice before all images were given; an identity with fewer images
        starts again.
        """
        own = slice(self.offsets[which], self.offsets[which + 1])
        rows, camera = self.rows[own], self.camera[own]
        drawn: list[NDArray[np.int64]] = []
        for _ in range(-(-count // len(rows))):
            shuffled = random.permutation(len(rows))
            by_camera = shuffled[np.argsort(camera[shuffled], kind="stable")]
            firsts = np.flatnonzero(np.diff(camera[by_camera], prepend=-1))
            sizes = np.diff(firsts, append=len(rows))
            turn = np.arange(len(rows)) - np.repeat(firsts, sizes)
            seat = np.repeat(random.permutation(len(firsts)), sizes)
            drawn.append(rows[by_camera[np.lexsort((seat, turn))]])
        return np.concatenate(drawn)[:count]


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The half of a mini-batch that one kind of data gives, identity after identity.

    Attributes:
        rows: (P * K,) int64 rows in the store.
        identity: (P * K,) int32 labels.
        which: (P * K,) int64 number of the identity in its `IdentityIndex`.
    """

    rows: NDArray[np.int64]
    identity: NDArray[np.int32]
    which: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class MixedBatch:
    """What one step trains on.

    Attributes:
        epoch: number of the epoch.
        step: of the epoch, from 0.
        multi: the labelled half.
        single: the pseudo-labelled half; empty where the epoch has no pseudo identities.
    """

    epoch: int
    step: int
    multi: Draw
    single: Draw


class MixedSampler:
    """The mini-batches of a run: batch (epoch, step) depends on the seed and on these two numbers alone.

    So a run resumes at any step without replaying what came before. Identities are dealt from a shuffled deck that is
    shuffled again when it is used up; what is left of a deck and too little for a batch is dropped.

    Args:
        multi: the labelled images.
        settings: shape of batch and epoch.
        seed: of the run.
        rank: number of this process among `ranks`; each gets other identities, and its own P of them.
        ranks: processes that train together.

    Raises:
        InputError: fewer identities than processes.
    """

    def __init__(
        self, multi: IdentityIndex, settings: MixSettings, seed: int, *, rank: int = 0, ranks: int = 1
    ) -> None:
        if len(multi) < ranks:
            raise InputError(f"{len(multi)} labelled identities for {ranks} processes; expected at least one for each")
        self.multi = multi
        self.settings = settings
        self.seed = seed
        self.rank = rank
        self.ranks = ranks
        if len(multi) < settings.multi_identities * ranks:
            logger.warning("%d labelled identities in all; batches hold fewer than were asked for", len(multi))

    def epoch(self, epoch: int, single: IdentityIndex | None = None, start: int = 0) -> Iterator[MixedBatch]:
        """The batches of an epoch from step `start` on; `single` holds the epoch's pseudo identities."""
        for step in range(start, self.settings.iterations_per_epoch):
            yield self.batch(epoch, step, single)

    def batch(self, epoch: int, step: int, single: IdentityIndex | None = None) -> MixedBatch:
        """One batch. An epoch without pseudo identities (`None`, or empty) gives the labelled half alone."""
        chosen = self.settings
        multi = self._draw(self.multi, chosen.multi_identities, chosen.multi_images, (epoch, step, _MULTI))
        other = single if single is not None else IdentityIndex.of(np.empty(0, np.int32))
        shape = chosen.single_identities, chosen.single_images
        return MixedBatch(epoch, step, multi, self._draw(other, *shape, (epoch, step, _SINGLE)))

    def _draw(self, index: IdentityIndex, identities: int, images: int, at: tuple[int, int, int]) -> Draw:
        epoch, step, kind = at
        identities = min(identities, len(index) // self.ranks)
        if identities == 0:
            return Draw(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int64))
        batches_in_deck = len(index) // (identities * self.ranks)
        deck = _deck(self.seed, epoch, kind, step // batches_in_deck, len(index))
        first = (step % batches_in_deck * self.ranks + self.rank) * identities
        which = deck[first : first + identities]
        random = np.random.default_rng([self.seed, epoch, kind, 1, step, self.rank])
        rows = np.concatenate([index.draw(int(one), images, random) for one in which])
        which = np.repeat(which, images)
        return Draw(rows, index.labels[which], which)


@lru_cache(maxsize=8)
def _deck(seed: int, epoch: int, kind: int, number: int, size: int) -> NDArray[np.int64]:
    deck: NDArray[np.int64] = np.random.default_rng([seed, epoch, kind, 0, number]).permutation(size)
    deck.setflags(write=False)
    return deck


def choose_videos(count: int, wanted: int, *, seed: int, epoch: int, pool: int | None = None) -> NDArray[np.int64]:
    """The videos that an epoch draws its pseudo labels from.

    Args:
        count: V, how many there are.
        wanted: how many the epoch takes; all, where there are fewer.
        seed: of the run.
        epoch: number of the epoch; each chooses others.
        pool: take them from this many videos, the same in every epoch, to study diversity apart from volume.

    Returns:
        numbers of videos, ascending, int64.
    """
    within = np.arange(count)
    if pool is not None and pool < count:
        within = np.random.default_rng([seed, 3]).permutation(count)[:pool]
    chosen = np.random.default_rng([seed, 2, epoch]).permutation(within)[:wanted]
    return np.sort(chosen).astype(np.int64)


def thin_rows(rows: NDArray[np.int64], most: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """At most `most` of the rows, chosen at random and in their order: the volume of an epoch, whatever its videos."""
    if len(rows) <= most:
        return rows
    chosen = np.random.default_rng([seed, 4, epoch]).choice(len(rows), most, replace=False)
    return rows[np.sort(chosen)]
