"""The ranked list shows the right images in the right frames; the histogram is a PNG."""

import numpy as np
import pytest
from PIL import Image

from remix_track.data.decoding import CropReader
from remix_track.data.name_table import NameTable
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError
from remix_track.retrieval.figures import ranked_list, write_image, write_similarity_histogram
from remix_track.retrieval.similarity import similarity_histogram
from tests.crop_replicas import write
from tests.retrieval.test_ranking import scene


@pytest.fixture
def reader(tmp_path):
    write(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    return CropReader(FolderStore(tmp_path, NameTable.of([b"a.jpg", b"b.jpg", b"c.jpg", b"gone.jpg"])), 64, 32)


def test_ranked_list(reader, tmp_path):
    matches = np.array([[1, 2, -1], [3, 0, 1]])
    right = np.array([[True, False, False], [False, True, True]])
    sheet = ranked_list((reader, reader), np.array([0, 2]), matches, right, ["AP 1.00", "AP 0.58"])
    assert sheet.shape == (6 + 2 * (72 + 6 + 18), 6 + 4 * 46 + 6, 3)

    def cell(line, place):
        top, left = 6 + line * 96, 6 + place * 46 + (6 if place else 0)
        return sheet[top : top + 72, left : left + 40]

    for line, place, row in ((0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 0, 2), (1, 2, 0)):
        np.testing.assert_array_equal(cell(line, place)[4:-4, 4:-4], reader.read(row))
    assert cell(0, 0)[0, 0].tolist() == [70, 70, 70]
    assert cell(0, 1)[0, 0].tolist() == [30, 150, 60]
    assert cell(0, 2)[71, 39].tolist() == [200, 40, 40]
    assert (cell(0, 3) == 255).all()
    assert (cell(1, 1)[4:-4, 4:-4] == 220).all()
    write_image(tmp_path / "out" / "ranked.png", sheet)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / "ranked.png")), sheet)


def test_histogram_picture(tmp_path):
    query, gallery = scene()
    # What stands between dollar signs is no mathematics in the name of a file.
    write_similarity_histogram(tmp_path / "h.png", similarity_histogram(query, gallery), "a$_$b.mp4")
    with Image.open(tmp_path / "h.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == (770, 440)
    assert [path.name for path in tmp_path.iterdir()] == ["h.png"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_image(tmp_path / "file" / "x.png", np.zeros((4, 4, 3), np.uint8))
