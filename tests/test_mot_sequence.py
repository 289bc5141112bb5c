"""One reader of MOT sequence folders: what `seqinfo.ini` may say, where images lie, how many frames there are."""

import cv2
import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.eval.benchmarks import PRESETS
from remix_track.eval.files.sequences import find_sequences
from remix_track.media_files import IMAGE_ENDINGS, IMAGE_FORMATS
from remix_track.mot_sequence import SequenceInfo, frames_of, read_sequence, sequence_around
from remix_track.trackers.sources import open_source


def _ini(folder, text, encoding="utf-8"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seqinfo.ini").write_bytes(text.encode(encoding))
    return folder / "seqinfo.ini"


def _sequence(folder, info, *, pictures=(), images="img1", text=(1, 2, 3)):
    """A sequence of small real images; `text` are the frames of its ground truth."""
    _ini(folder, f"[Sequence]\n{info}\n")
    for name in pictures:
        (folder / images).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / images / "x.png"), np.zeros((8, 8, 3), np.uint8))
        (folder / images / "x.png").rename(folder / images / name)
    (folder / "gt").mkdir()
    (folder / "gt" / "gt.txt").write_text("".join(f"{frame},1,1,1,4,4,1,1,1\n" for frame in text))
    return folder


def _both(folder):
    """Whatever the evaluation and the tracker say of one folder."""
    said = []
    for read in (
        lambda: find_sequences(folder, PRESETS["data"]).sequences[0],
        lambda: open_source(folder, fps=10).close(),
    ):
        try:
            read()
            said.append("")
        except InputError as error:
            said.append(str(error))
    return said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_of_windows_is_read(tmp_path, encoding):
    path = _ini(tmp_path, "[Sequence]\r\nname=Gleis\r\nseqLength=20\r\n", encoding)
    info = SequenceInfo.read(path)
    assert (info.name, info.frames) == ("Gleis", 20)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[Sequence]\nimExt=.jpg\nimExt=.png\n", ":3: 'imext' is there twice; keep one"),
        ("[Sequence]\na=1\n[Sequence]\nb=2\n", r":3: \[Sequence\] is there twice"),
        ("[Sequence]\na=1\n[sequence]\nb=2\n", "are the same section twice"),
        ("seqLength=3\n", ":1: text before the first .section"),
        ("[Sequence]\nwhat is this\n", ":2: neither a .section. nor key=value"),
        ("[Video]\na=1\n", r"no \[Sequence\] section"),
        ("[Sequence]\nname=\0\n", "NUL bytes"),
    ],
)
def test_the_true_fault_is_named(tmp_path, text, message):
    path = _ini(tmp_path, text)
    with pytest.raises(InputError, match=message) as error:
        SequenceInfo.read(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_other_text_and_other_files_are_refused(tmp_path):
    path = _ini(tmp_path, "[Sequence]\nname=Straße\n", "latin-1")
    with pytest.raises(InputError, match="not UTF-8 text"):
        SequenceInfo.read(path)
    path.write_bytes(b"[Sequence]\n" + b"#" * 65536)
    with pytest.raises(InputError, match="larger than 64 KiB"):
        SequenceInfo.read(path)
    path.write_bytes(b"\xff\xfe[")
    with pytest.raises(InputError, match="not UTF-16 text"):
        SequenceInfo.read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="not an ordinary file"):
        read_sequence(tmp_path)


@pytest.mark.parametrize("key", ["frameRate", "seqLength", "imWidth", "imHeight"])
@pytest.mark.parametrize("value", ["nan", "inf", "-5", "0", "1e400", "9" * 5000, "x", "99999999999"])
def test_odd_numbers_are_one_line(tmp_path, key, value):
    path = _ini(tmp_path, f"[Sequence]\n{key}={value}\n")
    with pytest.raises(InputError, match=f"{key}=.* is not a") as error:
        SequenceInfo.read(path)
    assert len(str(error.value)) < len(str(path)) + 120


def test_the_ends_of_the_ranges(tmp_path):
    path = _ini(tmp_path, "[Sequence]\nframeRate=1000\nseqLength=999999999\nimWidth=1000000\nimHeight=1\n")
    info = SequenceInfo.read(path)
    assert (info.fps, info.frames, info.width, info.height) == (1000, 999_999_999, 1_000_000, 1)
    for text in ("frameRate=1000.1", "frameRate=0.009", "seqLength=1e9", "seqLength=7.5", "imWidth=1000001"):
        with pytest.raises(InputError):
            SequenceInfo.read(_ini(tmp_path, f"[Sequence]\n{text}\n"))


@pytest.mark.parametrize("folder", ["../../secret", "img1/../../x", "/etc", "..\\..\\secret", "C:\\x", "\\x", ".."])
def test_nobody_is_led_out_of_a_sequence(tmp_path, folder):
    _sequence(tmp_path / "a" / "seq", f"imDir={folder}\nframeRate=10")
    (tmp_path / "secret").mkdir()
    cv2.imwrite(str(tmp_path / "secret" / "000001.jpg"), np.zeros((8, 8, 3), np.uint8))
    evaluated, tracked = _both(tmp_path / "a" / "seq")
    assert "leads out of the sequence; correct the file" in evaluated
    assert tracked == evaluated


@pytest.mark.parametrize("folder", ["a\tb", "a\x7fb", "a" * 256])
def test_what_cannot_be_a_folder_is_one_short_line(tmp_path, folder):
    path = _ini(tmp_path / "seq", f"[Sequence]\nimDir={folder}\n")
    with pytest.raises(InputError, match="cannot be a folder's name") as error:
        SequenceInfo.read(path)
    assert len(str(error.value)) < len(str(path)) + 120
    assert SequenceInfo.read(_ini(tmp_path, f"[Sequence]\nimDir={'a' * 255}\n")).image_folder == "a" * 255


def test_a_link_is_followed_by_both(tmp_path):
    _sequence(tmp_path / "one", "frameRate=10", pictures=["000001.png", "000002.png"])
    _sequence(tmp_path / "two", "frameRate=10")
    (tmp_path / "two" / "img1").symlink_to(tmp_path / "one" / "img1")
    assert find_sequences(tmp_path / "two", PRESETS["data"]).sequences[0].pictures == tmp_path / "two" / "img1"
    with open_source(tmp_path / "two") as source:
        assert [frame.index for frame in source] == [1, 2]


@pytest.mark.parametrize("ending", sorted(IMAGE_ENDINGS))
def test_evaluation_and_tracker_find_every_kind_of_picture(tmp_path, ending):
    from PIL import Image

    folder = _sequence(tmp_path / "seq", "imDir=frames\nframeRate=10", text=[1, 4])
    (folder / "frames").mkdir()
    for number in (1, 4):
        Image.new("RGB", (16, 16)).save(folder / "frames" / f"{number:06d}{ending.upper()}", IMAGE_FORMATS[ending])
    (found,) = find_sequences(folder, PRESETS["data"]).sequences
    assert (found.pictures, found.frames) == (folder / "frames", 4)
    for place in (folder, folder / "frames"):
        with open_source(place) as source:
            assert ([frame.index for frame in source], source.fps) == ([1, 4], 10)


@pytest.mark.parametrize("there", ["data/rgb", "data\\rgb"])
def test_a_folder_of_pictures_may_be_written_as_on_windows(tmp_path, there):
    _sequence(tmp_path, "imDir=data\\rgb\n", pictures=["000001.png", "000002.png"], images=there)
    assert len(read_sequence(tmp_path).pictures) == 2


def test_of_two_endings_imext_names_the_one(tmp_path):
    names = ["000001.jpg", "000001.png", "000002.png", "000003.jpg"]
    folder = _sequence(tmp_path / "seq", "imExt=.PNG", pictures=names)
    found = read_sequence(folder)
    assert ([path.name for path in found.pictures], found.numbers) == (
        ["000001.png", "000002.png", "000003.jpg"],
        (1, 2, 3),
    )


def test_a_video_stands_for_the_pictures_where_it_is_the_only_one(tmp_path):
    folder = _sequence(tmp_path / "seq", "imDir=img")
    (folder / "img").mkdir()
    (folder / "clip.MTS").touch()
    assert read_sequence(folder).video == folder / "clip.MTS"
    (folder / "other.h264").touch()
    assert read_sequence(folder).video is None
    assert find_sequences(folder, PRESETS["data"]).sequences[0].video is None
    with pytest.raises(InputError, match=r"no images in img\), and 2 videos; name one"):
        open_source(folder)


def test_the_folder_of_pictures_leads_to_its_sequence(tmp_path):
    folder = _sequence(tmp_path / "seq", "imDir=a/b")
    (folder / "a" / "b").mkdir(parents=True)
    assert sequence_around(folder / "a" / "b") is None  # its parent holds no seqinfo.ini
    folder = _sequence(tmp_path / "two", "imDir=frames")
    for name in ("frames", "masks"):
        (folder / name).mkdir()
    assert sequence_around(folder / "frames") == folder
    assert sequence_around(folder / "masks") is None


@pytest.mark.parametrize(
    ("said", "pictures", "text", "frames", "noted"),
    [
        (None, 3, 2, 3, False),
        (None, 0, 12, 12, False),
        (3, 3, 3, 3, False),
        (2, 3, 3, 2, False),  # the benchmark's word against more images
        (4, 3, 3, 3, True),
        (600, 3, 590, 600, False),  # a download without its images
        (10_000, 0, 3, 10_000, False),
        (10_001, 0, 3, 3, True),
        (20_000, 0, 2000, 20_000, False),
        (20_001, 0, 2000, 2000, True),
        (999_999_999, 0, 3, 3, True),
        (999_999_999, 3, 2, 3, True),
        (999_999_999, 3, 5, 5, True),
    ],
)
def test_how_many_frames(tmp_path, said, pictures, text, frames, noted):
    folder = _sequence(
        tmp_path / "seq",
        "" if said is None else f"seqLength={said}",
        pictures=[f"{number:06d}.png" for number in range(1, pictures + 1)],
        text=[text],
    )
    (found,) = find_sequences(folder, PRESETS["data"]).sequences
    assert found.frames == frames
    assert (found.doubt is not None) == noted
    if found.doubt is not None:
        assert found.doubt.startswith(f"{folder / 'seqinfo.ini'}: seqLength={said}, but the ")


def test_detections_tell_the_length_too(tmp_path):
    folder = _sequence(tmp_path / "seq", "seqLength=900000", text=[3])
    (folder / "det").mkdir()
    (folder / "det" / "det.txt").write_text("7,-1,1,1,4,4,0.9\nbroken\n")
    assert find_sequences(folder, PRESETS["data"]).sequences[0].frames == 7


def test_a_video_is_as_long_as_its_decoder_says(tmp_path):
    folder = _sequence(tmp_path / "seq", "seqLength=10000000")
    (folder / "clip.mp4").touch()
    assert frames_of(read_sequence(folder), lambda: 3) == (10_000_000, None)
    _ini(folder, "[Sequence]\nseqLength=10000001\n")
    assert frames_of(read_sequence(folder), lambda: 3)[0] == 3


def test_text_is_read_only_where_it_matters(tmp_path):
    def never():
        raise AssertionError

    folder = _sequence(tmp_path / "seq", "seqLength=3", pictures=["000001.png", "000003.png"])
    assert frames_of(read_sequence(folder), never) == (3, None)
