"""Frame numbers stated by file names, so that `frame_000006.jpg` is matched with row 6 of a text file."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LARGEST_NUMBER = 10_000_000


class Numbered(NamedTuple):
    """Frame numbers, rising; None where the place of an image is its number. A line on what was taken for them."""

    numbers: list[int] | None = None
    doubt: str | None = None

    @property
    def first(self) -> int:
        """The first image's number."""
        return self.numbers[0] if self.numbers else 1


def numbers_of_sequence(paths: Sequence[Path], where: object) -> Numbered:
    """The numbers of a MOT sequence's images, however many are missing between them; from 0 they count one up.

    Where names state no number, or more than one that rises, the place counts, and the doubt says so.

    Args:
        paths: the images in natural order.
        where: for the doubt.
    """
    if not paths:
        return Numbered()
    columns = _rising_columns(paths)
    if len(columns) != 1 or columns[0][-1] > LARGEST_NUMBER:
        found = f"state {len(columns)} numbers that rise" if len(columns) > 1 else "do not state a frame number each"
        return Numbered(None, f"{where}: the names of the images {found}; frames are numbered by their place, from 1")
    return Numbered(_from_one(columns[0]))


def numbers_of_folder(paths: Sequence[Path], where: object) -> Numbered:
    """The numbers of a plain folder's images, where names state one that rises and leave out at most every other.

    Names of photos hold times and counters as well; their place is their number. One line says so, unless there is but
    one image, or the names seem to count the places themselves.
    """
    by_place = f"frames are numbered by their place, 1 to {len(paths)}"
    columns = _rising_columns(paths)
    if len(paths) < 2:
        return Numbered()
    if not columns:
        odd = _state_other_places(paths)
        return Numbered(
            None, f"{where}: the names of the images hold no number that rises; {by_place}" if odd else None
        )
    column = columns[0]
    span = column[-1] - column[0] + 1
    if len(columns) > 1 or column[-1] > LARGEST_NUMBER or span > 2 * len(paths):
        found = "hold several numbers" if len(columns) > 1 else f"hold numbers of {column[0]} to {column[-1]}"
        return Numbered(None, f"{where}: the names of the images {found}; {by_place}")
    numbers = _from_one(column)
    if numbers == list(range(1, len(paths) + 1)):
        return Numbered(numbers)
    counted = "" if numbers == column else ", which count from 0, and one"
    missing = span - len(paths)
    gaps = f", {missing} {'is' if missing == 1 else 'are'} missing" if missing else ""
    said = f"frames are numbered by the names of the images{counted}: {numbers[0]} to {numbers[-1]}{gaps}"
    return Numbered(numbers, f"{where}: {said}")


def _state_other_places(paths: Sequence[Path]) -> bool:
    """Whether most names end in a number, and these are not the places: two recordings, copies, a thumbnail."""
    last = [re.findall(r"\d+", path.stem)[-1:] for path in paths]
    others = sum(bool(number) and int(number[0]) != place for place, number in enumerate(last, start=1))
    return others > 0 and 2 * sum(map(len, last)) > len(paths)


def _from_one(column: list[int]) -> list[int]:
    """Frames count from 1 everywhere else."""
    return [number + 1 for number in column] if column[0] == 0 else column


def _rising_columns(paths: Sequence[Path]) -> list[list[int]]:
    """The numbers at one place of all names that rise from image to image; of one image alone, its last.

    Places are counted as far as the letters between the numbers are those of the first name.
    """
    # "cam1_000006" -> ["cam", "1", "_", "000006", ""]
    split = [re.split(r"(\d+)", path.stem.casefold()) for path in paths]
    columns = []
    for place in range(1, min(map(len, split)), 2):
        if any(pieces[place - 1] != split[0][place - 1] for pieces in split):
            break
        columns.append([int(pieces[place]) for pieces in split])
    if len(paths) == 1:
        return columns[-1:]
    return [column for column in columns if all(before < after for before, after in itertools.pairwise(column))]
