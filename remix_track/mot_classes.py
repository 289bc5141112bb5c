"""Classes in the eighth column of MOT text: counted, said and chosen.

The numbers are those of the program that wrote the file: 1 is a person in MOT and VisDrone, 0 in files made from YOLO's
output. So none of them is taken for a person: all count until some are chosen.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.mot_text import MotRows

PERSON = (0, 1)
"""The classes that may stand for people and need no word where a file holds nothing else."""
_SHOWN = 6


def class_counts(rows: MotRows) -> dict[int, int]:
    """Boxes of each class, classes rising; negative numbers say that a box has none, and are left out."""
    classes, counts = np.unique(rows.class_id[rows.class_id >= 0], return_counts=True)
    return dict(zip(classes.tolist(), counts.tolist(), strict=True))


def counted(counts: dict[int, int]) -> str:
    """The classes with their boxes, the most frequent ones first: `class 1: 40 boxes, 4: 12, 9: 3`."""
    most = sorted(counts, key=lambda one: (-counts[one], one))
    shown = [f"{one}: {counts[one]:,}" for one in most[:_SHOWN]]
    shown[:1] = [f"class {most[0]}: {counts[most[0]]:,} box{'es' * (counts[most[0]] != 1)}"]
    more = [f"{len(most) - _SHOWN} more"] if len(most) > _SHOWN else []
    return ", ".join([*shown, *more])


def doubt_about(rows: MotRows) -> str | None:
    """What is odd about the classes of a file from which none were chosen; None where all boxes are of one at most."""
    counts, without = class_counts(rows), int((rows.class_id < 0).sum())
    if len(counts) > 1 or (counts and without):
        several = f"{len(counts)} classes" if len(counts) > 1 else "one class"
        return f"boxes of {several} in column 8 ({described(rows)})"
    if counts and next(iter(counts)) not in PERSON:
        return f"boxes of one class in column 8 ({counted(counts)})"
    return None


def described(rows: MotRows) -> str:
    """What is in column 8, as `counted`, and how many boxes have no class; empty without rows."""
    counts, without = class_counts(rows), int((rows.class_id < 0).sum())
    parts = [counted(counts)] if counts else []
    return ", ".join([*parts, f"{without:,} without a class"] if without else parts)


def numbers_of(words: Sequence[int | str], where: object) -> tuple[int, ...]:
    """Classes as the user names them: the column holds numbers.

    Raises:
        InputError: a name, or a number below 0.
    """
    for word in words:
        text = str(word).strip()
        if not (text.isascii() and text.isdecimal() and len(text) < 16):
            raise InputError(f"{where}: classes in MOT text are numbers of column 8, not {text[:40]!r}; give numbers")
    return tuple(sorted({int(word) for word in words}))


def chosen(rows: MotRows, classes: Collection[int]) -> NDArray[np.bool_]:
    """(N,) which rows are of these classes; all rows of a file that has no classes at all."""
    mine: NDArray[np.bool_] = np.isin(rows.class_id, list(classes)) | bool((rows.class_id < 0).all())
    return mine
