"""What an evaluation found wrong, put onto the page of a run that is there already."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError
from remix_track.text_files import write_text
from remix_track.viewer.people_page import data_text

_LARGEST = 500_000_000
_PLACE = re.compile(r'(<script type="application/json" id="errors-data">)[^<]*(</script>)')


def put_errors(page: Path, marks: Mapping[str, Sequence[Any]]) -> None:
    """Show errors on a page, in place of earlier ones; the file is replaced in one piece.

    Args:
        page: see `write_page`.
        marks: `missed` and `alarms`, each [id, first frame, last frame], and `switches`, each [frame, person, old id,
            new id]; frames as the source numbers them.

    Raises:
        InputError: no page of people, or one that cannot be written.
    """
    text = read_bounded(page, _LARGEST).decode("utf-8", "replace")
    content = str(data_text(marks))
    changed, count = _PLACE.subn(lambda found: found[1] + content + found[2], text, count=1)
    if not count:
        raise InputError(f"{page}: no page of people that errors could be put onto; track again")
    write_text(page, changed)
