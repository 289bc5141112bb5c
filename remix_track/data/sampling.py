"""Mini-batches of P identities with exactly K images each, from both kinds of data; a pure function of the step."""

import logging
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.settings import check, setting

logger = logging.getLogger(__name__)

_MULTI, _SINGLE = 0, 1


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """What an epoch and a mini-batch of the joint training are made of.

    Attributes:
        iterations_per_epoch: steps of the optimiser; only part of the images is seen, so that centroids stay fresh.
        multi_identities: P_m, people of a mini-batch from the multi-camera data.
        multi_images: K_m, images of each.
        single_identities: P_s, pseudo identities of a mini-batch from the single-camera data; 0 leaves that half out.
        single_images: K_s, images of each.
        videos_per_epoch: single-camera videos drawn for an epoch.
        crops_per_video: of each video in an epoch at most so many, drawn at random; 0 for all.
    """

    iterations_per_epoch: int = setting(400, "steps of the optimiser in an epoch", low=1, high=10_000_000)
    multi_identities: int = setting(8, "people of a mini-batch, multi-camera data", low=1, high=4096)
    multi_images: int = setting(4, "images of each of them", low=1, high=4096)
    single_identities: int = setting(8, "pseudo identities of a mini-batch", low=0, high=4096)
    single_images: int = setting(4, "images of each of them", low=1, high=4096)
    videos_per_epoch: int = setting(250, "single-camera videos drawn for an epoch", low=1)
    crops_per_video: int = setting(0, "at most so many crops of a video in an epoch; 0: all", low=0)

    def __post_init__(self) -> None:
        check(self)
        if self.multi_identities * self.multi_images < 2:
            raise InputError("a mini-batch of one multi-camera image cannot be normalised; raise multi_identities")


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
class MixedDraw:
    """What one mini-batch is made of.

    Attributes:
        multi: the labelled half.
        single: the pseudo-labelled half; empty where the epoch has no pseudo identities.
    """

    multi: Draw
    single: Draw


class MixedSampler:
    """The mini-batches of a run: batch (epoch, step) depends on the seed and on these two numbers alone.

    So a run resumes at any step without replaying what came before. Identities are dealt from a shuffled deck that is
    shuffled again when it is used up; what is left of a deck and too little for a batch is dropped.
    """

    def __init__(self, multi: IdentityIndex, settings: SamplingSettings, seed: int) -> None:
        """Deal from the labelled images `multi`, by the `seed` of the run.

        Raises:
            InputError: not one identity.
        """
        if not len(multi):
            raise InputError("no labelled identity; expected at least one")
        self._multi, self._settings, self._seed = multi, settings, seed
        if len(multi) < settings.multi_identities:
            logger.warning("%d labelled identities in all; batches hold fewer than were asked for", len(multi))

    def batch(self, epoch: int, step: int, single: IdentityIndex | None = None) -> MixedDraw:
        """One batch. An epoch without pseudo identities (`None`, or empty) gives the labelled half alone."""
        chosen = self._settings
        multi = self._draw(self._multi, chosen.multi_identities, chosen.multi_images, (epoch, step, _MULTI))
        other = single if single is not None else IdentityIndex.of(np.empty(0, np.int32))
        shape = chosen.single_identities, chosen.single_images
        return MixedDraw(multi, self._draw(other, *shape, (epoch, step, _SINGLE)))

    def _draw(self, index: IdentityIndex, identities: int, images: int, at: tuple[int, int, int]) -> Draw:
        epoch, step, kind = at
        identities = min(identities, len(index))
        if identities == 0:
            return Draw(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int64))
        batches_in_deck = len(index) // identities
        deck = _deck(self._seed, epoch, kind, step // batches_in_deck, len(index))
        first = step % batches_in_deck * identities
        which = deck[first : first + identities]
        random = np.random.default_rng([self._seed, epoch, kind, 1, step, 0])
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
