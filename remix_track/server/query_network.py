"""The network that pictures are searched by: that of the store, loaded at the first picture."""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.digests import sha256_of
from remix_track.encoder.shipped import IMAGENET, located
from remix_track.encoder.weights_file import check_size, read_card
from remix_track.errors import InputError
from remix_track.store.job import Weights
from remix_track.store.store import Store

PICTURE = "the picture"


class QueryNetwork:
    """Vectors of pictures; threads wait for one another, as a network takes all cores anyway."""

    def __init__(self, weights: str = "default") -> None:
        """`weights` as `load_embedder` takes it; nothing is looked at yet."""
        self.weights = weights
        self._lock = threading.Lock()
        self._embedder: object = None
        self._sha256: str | None = None

    def vector(self, store: Store, content: bytes) -> NDArray[np.float32]:
        """The unit vector (D,) of an encoded image that shows a person.

        Raises:
            InputError: the weights are not there, are not the store's, or it is no image.
        """
        with self._lock:
            self._check(store)
            from remix_track.data.crops.tracklet_crops import embed_image
            from remix_track.encoder.embedder import Embedder
            from remix_track.encoder.load import load_embedder

            embedder = self._embedder or load_embedder(self.weights)
            if not isinstance(embedder, Embedder):
                raise InputError(
                    "no picture can be searched by, as the pages were started by remix-track view --weights none"
                )
            self._embedder = embedder
            store.refuse_other_weights(Weights.of(embedder.description))
            return embed_image(content, PICTURE, embedder)

    def threshold(self, store: Store) -> float | None:
        """The distance up to which the weights call crops of one video one person; None where that is not known."""
        path = self._file()
        try:
            with self._lock:
                self._check(store)
            return None if path is None else read_card(path).max_cosine_distance
        except InputError:
            return None

    def _check(self, store: Store) -> None:
        """See, before anything is loaded, that the weights are those of the store, as far as their file tells."""
        has, path = store.weights, self._file()
        if has is None:
            raise InputError(f"{store.path}: has no vectors to search by; track with weights other than none")
        if path is None:
            return
        if self._sha256 is None:
            check_size(path)
            self._sha256 = sha256_of(path, kind="weights")
        if self._sha256 != has.sha256:
            raise InputError(
                f"{store.path}: has vectors of {has.name} (sha256 {has.sha256[:12]}), and {path.name} is another one; "
                f"start the pages anew by remix-track view --weights FILE, the file of {has.name}"
            )

    def _file(self) -> Path | None:
        """The file, where all of the network is in one."""
        return None if self.weights in (IMAGENET, "none") else Path(located(self.weights))
