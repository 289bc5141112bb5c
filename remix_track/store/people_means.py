"""The mean appearance of people, who come one after another and grow."""

import numpy as np
from numpy.typing import NDArray


class PeopleMeans:
    """Sums of unit vectors by person, in one array that grows."""

    def __init__(self, width: int) -> None:
        """Begin without anybody; vectors are `width` long."""
        self._row: dict[int, int] = {}
        self._number = np.zeros(64, np.int64)
        self._total = np.zeros((64, width), np.float32)
        self._count = np.zeros(64, np.int64)

    def __contains__(self, number: int) -> bool:
        return number in self._row

    def add(self, number: int, total: NDArray[np.floating], count: int = 1) -> None:
        """Add a sum (D,) of so many unit vectors to a person's; who is not known yet is from now on."""
        row = self._row.setdefault(number, len(self._row))
        if row == len(self._total):
            self._number, self._total, self._count = (
                np.concatenate([one, np.zeros_like(one)]) for one in (self._number, self._total, self._count)
            )
        self._number[row] = number
        self._total[row] += total.astype(np.float32)
        self._count[row] += count

    def remove(self, number: int) -> tuple[NDArray[np.float32], int]:
        """Take a person out; the sum and the count. The last one's row moves to the place."""
        row, last = self._row.pop(number), len(self._row)
        taken = self._total[row].copy(), int(self._count[row])
        for one in (self._number, self._total, self._count):
            one[row], one[last] = one[last], 0
        if row != last:
            self._row[int(self._number[row])] = row
        return taken

    def total(self, number: int) -> NDArray[np.float32]:
        """The sum (D,) of a person."""
        total: NDArray[np.float32] = self._total[self._row[number]]
        return total

    def count(self, number: int) -> int:
        """Of how many vectors."""
        return int(self._count[self._row[number]])

    @property
    def numbers(self) -> NDArray[np.int64]:
        """(P,) the people."""
        return self._number[: len(self._row)]

    def means(self) -> NDArray[np.float32]:
        """(P, D) the mean vectors, not of unit length: their products are mean cosine similarities."""
        rows = slice(len(self._row))
        return np.asarray(self._total[rows] / np.maximum(self._count[rows, None], 1), np.float32)

    def products(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """(P,) of the mean vectors with one (D,); no table of means is made."""
        rows = slice(len(self._row))
        return np.asarray(self._total[rows] @ vector / np.maximum(self._count[rows], 1), np.float32)
