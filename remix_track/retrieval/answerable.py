"""Whether a labelled set can be scored at all: it needs queries with right and with wrong answers."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from remix_track.data.crop_set import JUNK
from remix_track.errors import InputError


class Pictures(Protocol):
    """What is known of some images; `CropSet` and `Labelled` are such."""

    @property
    def identity(self) -> NDArray[np.int32]:
        """(N,) labels; JUNK and DISTRACTOR as in a `CropSet`."""

    @property
    def camera(self) -> NDArray[np.int16]:
        """(N,) cameras."""


def refuse_unanswerable(name: str, query: Pictures, gallery: Pictures) -> None:
    """See that at least one query has a true match in the gallery, and something to mistake it for.

    Args:
        name: of the set, for the message.
        query: its queries.
        gallery: where they are searched for.

    Raises:
        InputError: it has none; the message says why.
    """
    why = _why_not(query, gallery)
    if why:
        raise InputError(f"{name}: cannot be scored, {why}")


def _why_not(query: Pictures, gallery: Pictures) -> str:
    if not len(query.identity) or not len(gallery.identity):
        part = "gallery" if len(query.identity) else "query"
        return f"it has no {part} images; name a set with query and gallery"
    named, kept = query.identity >= 0, gallery.identity != JUNK
    if not named.any():
        return "no query names a person (all are junk or distractors); label the queries"
    if not kept.any():
        return "every image of its gallery is junk; label the gallery"
    people, cameras = query.identity[named], query.camera[named]
    known = np.isin(people, gallery.identity)
    if not known.any():
        return "no person of a query is in the gallery; use the same names for people in both"
    if not _seen_elsewhere(people[known], cameras[known], gallery).any():
        return _one_camera(query, gallery)
    if len(np.unique(gallery.identity[kept])) == 1:
        return "its gallery shows one person alone, so that every ranking is right; add other people or distractors"
    return ""


def _seen_elsewhere(people: NDArray[np.int32], cameras: NDArray[np.int16], gallery: Pictures) -> NDArray[np.bool_]:
    """(Q,) whether the gallery shows each of the people, all of whom it knows, before another camera than theirs."""
    order = np.lexsort((gallery.camera, gallery.identity))
    identity, camera = gallery.identity[order], gallery.camera[order]
    first, last = (np.searchsorted(identity, people, side=side) for side in ("left", "right"))
    elsewhere: NDArray[np.bool_] = (camera[first] != cameras) | (camera[last - 1] != cameras)
    return elsewhere


def _one_camera(query: Pictures, gallery: Pictures) -> str:
    rule = "a query is never matched with images of its own camera"
    if len(np.unique(np.concatenate([query.camera, gallery.camera]))) == 1:
        return f"all its images are of one camera and {rule}; name the cameras (such as PERSON/CAMERA_0001.jpg)"
    return f"no person of a query is in the gallery before another camera and {rule}; add images of other cameras"
