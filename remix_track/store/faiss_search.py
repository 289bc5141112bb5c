"""Search by faiss, for thousands of queries or hundreds of millions of tracklets: all vectors at once, in memory."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from remix_track.encoder.stranger_distance import unlikely_distance
from remix_track.extras import extra
from remix_track.store.search import Hits, query_of

if TYPE_CHECKING:
    from remix_track.store.store import Store

_AT_ONCE = 16384
_TRAINED_ON = 100_000


class FaissSearch:
    """A store as it is now, in an index of faiss; what comes later is not in it.

        nearest = FaissSearch(store)              # exact: the answers of Store.search among many
        nearest = FaissSearch(store, "IVF4096,SQ8")  # a quarter of the memory, and now and then one is missed
        hits = nearest.search(vector, top=5)

    Attributes:
        index: of faiss, for its own settings, such as `nprobe`.
    """

    def __init__(self, store: "Store", kind: str = "Flat") -> None:
        """Read all vectors, and take the cameras out.

        Args:
            store: with vectors.
            kind: what faiss calls a factory string.

        Raises:
            ExtraError: faiss is not installed.
            InputError: vectors of a job are missing or damaged.
        """
        faiss = extra("faiss", "faiss", "FaissSearch")
        self._store, self._shadows = store, store.shadows()
        known = np.flatnonzero(self._shadows.cell >= 0) + 1
        width = len(self._shadows.directions)
        self.index: Any = faiss.index_factory(width, f"IDMap,{kind}", faiss.METRIC_INNER_PRODUCT)
        if not self.index.is_trained:
            step = max(len(known) // _TRAINED_ON, 1)
            self.index.train(self._shadows.centred(store.path, known[::step]))
        for begin in range(0, len(known), _AT_ONCE):
            some = known[begin : begin + _AT_ONCE]
            self.index.add_with_ids(self._shadows.centred(store.path, some), some)
        self._count = len(known)

    def search(self, vector: ArrayLike, top: int = 10) -> Hits:
        """The nearest of all tracklets; see `Store.search`.

        Raises:
            InputError: a vector of another length or without direction.
        """
        towards = self._shadows.towards(query_of(self._store, vector))
        scores, ids = self.index.search(towards[None], min(top, self._count))
        found = ids[0] >= 0
        unlikely = None
        if self._shadows.centring.mean.any():
            unlikely = unlikely_distance(1 - self._shadows.sample @ towards, self._count)
        distance = (1 - scores[0][found]).clip(0)
        return Hits(self._store.numbered(ids[0][found]), distance, unlikely, self._count)
