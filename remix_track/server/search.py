"""Who looks like this: tracklets by a crop in the store, a box of a video, or a picture that is dropped in."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError, parsing
from remix_track.json_text import json_text
from remix_track.server.box_choice import FrameChoice, frame_choice
from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.people import PICTURES, moment
from remix_track.server.pictures import Picture, Pictures, small_jpeg
from remix_track.server.query_network import PICTURE, QueryNetwork
from remix_track.server.sides import recordings_of
from remix_track.server.web import Answer, NotFoundError, Page, Request, Route
from remix_track.store.index_people import TrackletFacts, camera_names, one_tracklet
from remix_track.store.search import Hits
from remix_track.store.store import Store

LARGEST_PICTURE = 20_000_000
TOPS = ("12", "24", "48", "96")


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched by.

    Attributes:
        vector: (D,) of unit length.
        title: what it is, in words.
        picture: address of a picture of it; empty where there is none.
        address: of its own page; empty where there is none.
        asked: what of the page's address says so.
        itself: job and track of it, which is no answer; None for a picture.
    """

    vector: NDArray[np.float32]
    title: str
    picture: str
    address: str
    asked: dict[str, str]
    itself: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A tracklet that was found.

    Attributes:
        address: of its page.
        pictures: addresses of its pictures; some may have none.
        search: address of the search by it.
        job, track: its key.
        person: number, 0 where none is assigned.
        name: of the person.
        camera: name.
        first_utc: milliseconds; None where not known.
        first_time: seconds from the source's first frame.
        seconds: in sight.
        distance: cosine distance.
        near: whether it is within the threshold.
    """

    address: str
    pictures: tuple[str, ...]
    search: str
    job: str
    track: int
    person: int
    name: str
    camera: str
    first_utc: int | None
    first_time: float
    seconds: float
    distance: float
    near: bool


@dataclass(frozen=True, slots=True)
class Threshold:
    """Up to which distance two are taken for one.

    Attributes:
        distance: that; None where it is not known.
        about: what it means.
    """

    distance: float | None
    about: str


class SearchPages:
    """The page of searches over what is in a library."""

    def __init__(self, library: Library) -> None:
        self.library, self.network, self.pictures = library, QueryNetwork(library.weights), Pictures()

    def page(self, request: Request) -> Page:
        """The question, and what was found.

        Raises:
            InputError: what cannot be searched by, or values that cannot be.
        """
        collection = self.library.at(request)
        values: dict[str, Any] = {
            "section": "search",
            "collection": collection,
            "largest": LARGEST_PICTURE,
            "choice": None,
        }
        if collection.store is None:
            return Page("search.html", {**values, "query": None, "why": _NO_STORE})
        with collection.reading() as connection:
            cameras = camera_names(connection)
        asked = {name: request.text(name) for name in ("camera", "since", "until")}
        values |= {
            "cameras": cameras, "asked": asked, "tops": TOPS, "top": request.choice("top", TOPS, TOPS[0]), "why": "",
            "recordings": recordings_of(collection),
        }  # fmt: skip
        query = self._query(collection, collection.store, request)
        if query is None:
            return Page("search.html", {**values, "query": None, "choice": self._choice(collection, request)})
        top = int(values["top"])
        hits = collection.store.search(
            query.vector,
            top + (query.itself is not None),
            camera=asked["camera"] or None,
            since=moment(asked["since"], "since"),
            until=moment(asked["until"], "until"),
        )
        threshold = self._threshold(collection.store, hits)
        found = answers(collection, hits, threshold.distance, query.itself)[:top]
        return Page(
            "search.html",
            {**values, "query": query, "found": found, "threshold": threshold, "compared": hits.compared},
        )

    def upload(self, request: Request) -> Answer:
        """Take a picture: the bytes of an image file. The answer is JSON: where to go, or what is wrong with it."""
        collection = self.library.at(request)
        try:
            key = self.pictures.keep(collection.number, self._picture(collection, request.body))
        except InputError as error:
            return Answer(json_text({"error": str(error)}).encode(), "application/json", 400)
        to = f"/{collection.number}/search?{urlencode({'picture': key})}"
        return Answer(json_text({"to": to}).encode(), "application/json")

    def picture(self, request: Request) -> Answer:
        """The small copy of a picture that was taken."""
        found = self.pictures.find(self.library.at(request).number, request.text("picture"))
        if found is None:
            raise NotFoundError("the picture is not kept any more; drop it in again")
        return Answer(found.jpeg, "image/jpeg")

    def _picture(self, collection: Collection, content: bytes) -> Picture:
        if collection.store is None:
            raise InputError(_NO_STORE)
        from remix_track.data.decoding import decode_image

        # Looked at before a network is loaded for it.
        with parsing(PICTURE, "an image of a person", "give a JPEG, PNG, BMP or WebP"):
            jpeg = small_jpeg(decode_image(content))
        vector = self.network.vector(collection.store, content)
        if not vector.any():
            raise InputError("the network finds nothing in the picture; give another one")
        return Picture(vector, jpeg)

    def _query(self, collection: Collection, store: Store, request: Request) -> Query | None:
        base, key = f"/{collection.number}", request.text("picture")
        if key:
            kept = self.pictures.find(collection.number, key)
            if kept is None:
                raise NotFoundError("the picture is not kept any more; drop it in again")
            return Query(kept.vector, "the picture", f"{base}/search/picture/{key}.jpg", "", {"picture": key})
        job = request.text("job")
        if not job:
            return None
        track = request.number("track")
        with collection.reading() as connection:
            facts = one_tracklet(connection, job, track)
        if facts is None:
            raise NotFoundError("there is no such track in the store")
        shown = f"{base}/crop/{job}/{track}/0.jpg" if collection.crops(facts) else ""
        title = collection.names().get(facts.person) or (f"person {facts.person}" if facts.person else f"track {track}")
        asked = {"job": job, "track": str(track)}
        address = f"{base}/tracklet/{job}/{track}"
        return Query(vector_of(store, facts), title, shown, address, asked, (job, track))

    def _choice(self, collection: Collection, request: Request) -> FrameChoice | None:
        """The frame that is asked for, to choose a box in; None where none is."""
        key = request.text("recording")
        if not key:
            return None
        recording = collection.recording(key)
        begin = max(int(recording.first_seconds), 0)
        return frame_choice(collection, recording, float(request.number("at", begin, high=10**9)))

    def _threshold(self, store: Store, hits: Hits) -> Threshold:
        if hits.unlikely is not None:
            return Threshold(hits.unlikely, "as near as a stranger comes in one of ten searches; cameras are taken out")
        known = self.network.threshold(store)
        if known is None:
            return Threshold(None, "the threshold of these weights is not known here")
        return Threshold(known, "up to which these weights call crops of one video one person")


_NO_STORE = "a run is not searched here; track it by remix-track VIDEO --store STORE, and look at that store"


def routes(library: Library) -> list[Route]:
    """The page, pictures that are dropped in, and choosing a box."""
    pages = SearchPages(library)
    return [
        Route("/{collection}/search", pages.page),
        Route("/{collection}/search", pages.upload, "POST", LARGEST_PICTURE),
        Route("/{collection}/search/picture/{picture}.jpg", pages.picture),
    ]


def vector_of(store: Store, facts: TrackletFacts) -> NDArray[np.float32]:
    """The vector (D,) of a tracklet.

    Raises:
        InputError: it has none, or a file of the store is damaged.
    """
    if store.weights is None:
        raise InputError(f"{store.path}: has no vectors to search by; track with weights other than none")
    stored = store.job(facts.job)
    vector = np.asarray(stored.vectors(stored.result.tracklets)[facts.row], np.float32)
    if not vector.any():
        raise InputError(f"track {facts.track} has no appearance vector; choose another one")
    return vector / np.linalg.norm(vector)


def answers(
    collection: Collection, hits: Hits, threshold: float | None, itself: tuple[str, int] | None
) -> list[Answered]:
    """What was found, as the page shows it, without what was searched by."""
    found, names = hits.tracklets, collection.names()
    shown = []
    for row, (job, track) in enumerate(found.keys()):
        if (job, track) == itself:
            continue
        person, distance = int(found.person[row]), float(hits.distance[row])
        base, utc = f"/{collection.number}", found.first_utc[row]
        shown.append(
            Answered(
                address=f"{base}/person/{person}" if person else f"{base}/tracklet/{job}/{track}",
                pictures=tuple(f"{base}/crop/{job}/{track}/{place}.jpg" for place in range(PICTURES)),
                search=f"{base}/search?{urlencode({'job': job, 'track': track})}",
                job=job,
                track=track,
                person=person,
                name=names.get(person, f"Person {person}") if person else f"Track {track}",
                camera=found.cameras[found.camera[row]],
                first_utc=None if np.isnat(utc) else int(utc.astype(np.int64)),
                first_time=float(found.first_time[row]),
                seconds=float(found.last_time[row] - found.first_time[row]),
                distance=distance,
                near=threshold is not None and distance <= threshold,
            )
        )
    return shown
