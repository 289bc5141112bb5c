"""A name for a person: by images that show the person, or by the number that the person has."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import read_bounded
from remix_track.data.decoding import decode_image
from remix_track.data.stores import LARGEST_IMAGE
from remix_track.detections import Tracks
from remix_track.errors import InputError, parsing
from remix_track.store.forget import put_back
from remix_track.store.gallery import Gallery, Recognition
from remix_track.store.job import Job, JobSource, Weights
from remix_track.store.layout import ENROLLED
from remix_track.store.people import PeopleFiles, checked_name, checked_user
from remix_track.store.people_rows import recognised_rows
from remix_track.trackers.frame import TrackedFrame

if TYPE_CHECKING:
    from remix_track.encoder.embedder import Embedder
    from remix_track.store.store import Store


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What `enrol` did.

    Attributes:
        name: of the person.
        person: the number.
        is_new: no tracklet looked like the images.
        nearest: how near the images were to people; None where there were no images.
    """

    name: str
    person: int
    is_new: bool
    nearest: Recognition | None


def name_person(store: "Store", name: str, person: int, *, who: str | None = None) -> Enrolled:
    """Give a person a name.

    Args:
        store: where the person is.
        name: new.
        person: the number.
        who: says so; None: the user of this account.

    Raises:
        InputError: no such person, or a name that another one has.
    """
    files = PeopleFiles(store.path)
    with files.locked():
        log = files.log()
        number = log.current(person)
        if not number or number not in files.table()["person"]:
            raise InputError(f"{store.path}: has no person {person}; see `remix-track people`")
        if log.person(checked_name(name)) not in (None, number):
            raise InputError(f"{name}: is person {log.person(name)} already; give another name")
        files.note("name", number, name=name, who=checked_user(who))
    return Enrolled(name, number, is_new=False, nearest=None)


def enrol(store: "Store", name: str, images: Sequence[Path], embedder: "Embedder") -> Enrolled:
    """Give the person whom images show a name, and keep the images, so that the person is known from now on.

    Who has the name already gets the images. Else it is the person whom the images look like, or a new one.

    Args:
        store: where the person is.
        name: of the person.
        images: files that show the person, and little else.
        embedder: of the store's weights.

    Raises:
        InputError: an image that cannot be read or shows nothing, or other weights than the store's.
    """
    store.claim_weights(Weights.of(embedder.description))
    crops = [_image(path) for path in images]
    frames = [_frame(number, crop, embedder) for number, crop in enumerate(crops, 1)]
    vector = np.sum([np.asarray(frame.embeddings) for frame in frames], axis=(0, 1))
    if not vector.any():
        raise InputError(f"{images[0]}: the network finds nothing in it; give another image")
    files = PeopleFiles(store.path)
    with files.locked():
        put_back(store.path)
        gallery = Gallery.of(store, files)
        centred = gallery.centred(vector / np.linalg.norm(vector))
        found = gallery.recognise(centred)
        number = gallery.log.person(checked_name(name)) or _unnamed(found, gallery, name)
        person = number or files.last_number() + 1
        job = _job(crops, embedder, person)
        if not store.has(job):
            with store.writer(job) as writer:
                for frame in frames:
                    writer.add(frame)
        files.give_numbers(person)
        files.add_rows(recognised_rows(job.key, {1: _as_enrolled(found, person)}))
        if gallery.log.names.get(person) != name:
            files.note("name", person, name=name, who=checked_user(None))
    return Enrolled(name, person, not number, found)


def _unnamed(found: Recognition, gallery: Gallery, name: str) -> int:
    """Whom the images look like; 0 for a new person.

    Raises:
        InputError: that person has another name.
    """
    other = gallery.log.names.get(found.person)
    if other is not None:
        raise InputError(
            f"{name}: these images look like {other} (distance {found.distance:.3f}, one person up to "
            f"{gallery.limits.join:.3f}); give them to {other}, or others"
        )
    return found.person


def _image(path: Path) -> NDArray[np.uint8]:
    content = read_bounded(path, LARGEST_IMAGE, "give an image of a person")
    with parsing(path, "an image of a person"):
        return np.asarray(decode_image(content), np.uint8)


def _frame(number: int, crop: NDArray[np.uint8], embedder: "Embedder") -> TrackedFrame:
    """An image as a frame that is all person; the frames are far apart in time, so that each keeps its crop."""
    height, width = crop.shape[:2]
    xyxy = np.array([[0, 0, width, height]], np.float32)
    ones = np.ones(1, np.int64)
    tracks = Tracks(ones, xyxy, ones.astype(np.float32), ones - 1, ones - 1, embedder(crop, xyxy))
    return TrackedFrame(number, crop, 60.0 * number, tracks)


def _job(crops: Sequence[NDArray[np.uint8]], embedder: "Embedder", person: int) -> Job:
    """Its name tells nothing of the person, as it is that of a folder."""
    digest = hashlib.sha256(b"".join(crop.tobytes() for crop in crops)).hexdigest()
    source = JobSource(ENROLLED, ENROLLED, size=sum(crop.size for crop in crops), digest=digest)
    return Job(source, ENROLLED, {"person": person}, Weights.of(embedder.description))


def _as_enrolled(found: Recognition, person: int) -> Recognition:
    distance = found.distance if found.person == person else np.nan
    return found._replace(person=person, distance=distance, sure=True)
