"""A set of ids that stays small however long a camera runs."""

from collections.abc import Iterable, Iterator, Set


class IdSet(Set[int]):
    """Positive ids, mostly all up to the highest: those are a number, only those behind a gap are kept."""

    def __init__(self, ids: Iterable[int] = ()) -> None:
        self._all_up_to = 0
        self._beyond: set[int] = set()
        self.update(ids)

    def update(self, ids: Iterable[int]) -> None:
        """Add ids."""
        self._beyond.update(id_ for id_ in ids if id_ > self._all_up_to)
        while self._all_up_to + 1 in self._beyond:
            self._all_up_to += 1
            self._beyond.remove(self._all_up_to)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, int) and (1 <= id_ <= self._all_up_to or id_ in self._beyond)

    def __iter__(self) -> Iterator[int]:
        yield from range(1, self._all_up_to + 1)
        yield from sorted(self._beyond)

    def __len__(self) -> int:
        return self._all_up_to + len(self._beyond)

    def __repr__(self) -> str:
        return f"IdSet({list(self)})"
