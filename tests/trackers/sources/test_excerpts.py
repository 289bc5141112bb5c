"""Parts of a video read from its middle are the pictures of the whole."""

import av
import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.trackers.sources import open_source
from remix_track.trackers.sources.excerpts import pictures_between, timeline_of


def write(path, frames=60, gop=12, codec="libx264", b_frames=2):
    """Noise, so that no two pictures are alike."""
    rng = np.random.default_rng(0)
    options = {"g": str(gop), "bf": str(b_frames)} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.width, stream.height = 64, 48
        for _ in range(frames):
            image = rng.integers(0, 255, (48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mov"])
def test_pieces_one_after_another_are_the_pictures_of_the_whole(tmp_path, name):
    path = write(tmp_path / name)
    with open_source(path) as source:
        whole = [frame.image.tobytes() for frame in source]
    line = timeline_of(path)
    assert line is not None
    assert (round(line.seconds, 1), line.fps) == (6.0, 10.0)
    begins = [line.begin + seconds for seconds in (0, 1.7, 1.8, 4.0)]
    pieces = [list(pictures_between(path, *ends)) for ends in zip(begins, [*begins[1:], None], strict=True)]
    assert [image.tobytes() for piece in pieces for _, image in piece] == whole
    assert [len(piece) for piece in pieces] == [17, 1, 22, 20]
    times = [stamp for piece in pieces for stamp, _ in piece]
    assert np.allclose(np.array(times) - line.begin, np.arange(60) / 10, atol=0.002)


def test_what_cannot_be_read_from_the_middle_has_no_timeline(tmp_path):
    first = write(tmp_path / "a.ts", frames=12)
    (tmp_path / "b.mp4").write_bytes(b"no video")
    assert timeline_of(tmp_path / "b.mp4") is None
    assert timeline_of(tmp_path / "gone.mp4") is None
    assert timeline_of(first) is not None
    with pytest.raises(InputError, match=r"b\.mp4: not a video"):
        next(pictures_between(tmp_path / "b.mp4", 0.0, None))
