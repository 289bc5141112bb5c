"""The reader of MOT text: what it accepts, what it refuses and in which words, and that no bytes can hurt it."""

import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remix_track import mot_parsing
from remix_track.errors import InputError
from remix_track.mot_text import MotRows, examine, format_frame, read

CLEAN = "1,7,10,20,30,40,0.9,1,0.5\n2,7,11,20.5,30,40,0.8,1,0.25\n3,9,12,21,-3e1,40,1,1,1\n"


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "results.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def same(first: MotRows, second: MotRows) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in MotRows.__slots__)


def test_each_column_goes_where_it_belongs(file):
    rows = read(file(CLEAN))
    assert rows.frame.tolist() == [1, 2, 3]
    assert rows.id.tolist() == [7, 7, 9]
    assert rows.tlwh.tolist() == [[10, 20, 30, 40], [11, 20.5, 30, 40], [12, 21, -30, 40]]
    assert rows.score.tolist() == [0.9, 0.8, 1]
    assert rows.class_id.tolist() == [1, 1, 1]
    assert rows.visibility.tolist() == [0.5, 0.25, 1]
    assert rows.line.tolist() == [1, 2, 3]
    dtypes = [getattr(rows, name).dtype for name in MotRows.__slots__]
    assert dtypes == [np.int64, np.int64, np.float64, np.float64, np.int64, np.float64, np.int64]


@pytest.mark.parametrize(
    "way",
    [
        CLEAN.replace(",", " "),
        CLEAN.replace(",", "\t"),
        CLEAN.replace(",", "  \t"),
        CLEAN.replace(",", ", "),
        CLEAN.replace(",", " , "),
        CLEAN.replace("\n", "\r\n"),
        CLEAN.replace("\n", "\r"),
        CLEAN.replace("\n", ",\n"),
        CLEAN.replace("\n", " \n"),
        CLEAN.rstrip("\n"),
        "\ufeff" + CLEAN,
        CLEAN.replace("1,7,", "1.0,7.,").replace("2,7", "+2,7.00e0"),
        CLEAN.replace("-3e1", "-30"),
        "".join(line + ",-1,-1\n" for line in CLEAN.split()),
    ],
)
def test_ways_to_write_the_same_rows(file, way):
    assert same(read(file(way)), read(file(CLEAN)))


@pytest.mark.parametrize("blank", ["\n", "  \n", "\t\n", "\r\n"])
def test_blank_lines_are_skipped_and_counted(file, blank):
    lines = CLEAN.split()
    rows, text, faults = examine(file(blank + lines[0] + "\n" + blank * 2 + lines[1] + "\n" + lines[2] + blank * 2))
    assert (rows.line.tolist(), faults) == ([2, 5, 6], [])
    assert text.blank == 4


def test_columns_that_are_absent(file):
    rows = read(file("1,7,10,20,30,40\n"))
    assert (rows.score.tolist(), rows.class_id.tolist(), rows.visibility.tolist()) == ([1], [-1], [-1])


def test_world_coordinates_are_no_class(file):
    """MOT15: columns 8 to 10 are metres. One of them may happen to be whole; it is no class either."""
    assert read(file("1,9,499,158,31,75,1,-4.1,-7.3,0\n2,9,499,158,31,75,1,1,-7.3,0\n")).class_id.tolist() == [-1, -1]


@pytest.mark.parametrize("content", ["", "\n", " \r\n\t\n", "\ufeff"])
def test_an_empty_file_has_no_rows(file, content):
    assert len(read(file(content))) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("frame,id,x,y,w,h\n" + CLEAN, "1: a header line ('frame' ...); delete it: MOT text has none"),
        ("\n# frame id x y w h\n" + CLEAN, "2: a header line ('# frame id x y w h' ...); delete it: MOT text has none"),
        ("1;7;10;20;30;40\n", "1: columns separated by semicolons; separate them by commas"),
        (
            CLEAN + "4,7,10,20\n",
            "4: 4 columns; MOT text has at least 6: frame,id,left,top,width,height; complete the line or delete it",
        ),
        (
            "12\n",
            "1: 1 column; MOT text has at least 6: frame,id,left,top,width,height; complete the line or delete it",
        ),
        (CLEAN + "4,7,10,20,30,40\n", "4: 6 columns where line 1 has 9; complete the line or delete it"),
        (CLEAN + "\n4,7,nan,20,30,40,1,1,1\n", "5: 'nan' in column 3; write a finite number or delete the line"),
        ("1,7,10,20,-Inf,40\n", "1: '-Inf' in column 5; write a finite number or delete the line"),
        ("nan,7,10,20,30,40\n", "1: 'nan' in column 1; write a finite number or delete the line"),
        ("1,7,10,20,1e999,40\n", "1: '1e999' in column 5; write a finite number or delete the line"),
        ("1,7,10,,30,40\n", "1: column 4 is empty; write a number or delete the line"),
        (
            "1,7,10,20,30,40\n2,7,10,20,30,4O\n",
            "2: '4O' in column 6 is not a number; write a number or delete the line",
        ),
        ("1,7,10,20,30,1_0\n", "1: '1_0' in column 6 is not a number; write a number or delete the line"),
        ("1,7,10,20,30,0x10\n", "1: '0x10' in column 6 is not a number; write a number or delete the line"),
        ("1,7,10,20,30,٣\n", "1: '\\u0663' in column 6 is not a number; write a number or delete the line"),
        (
            "1,7,10,20,30,\x1b[31mred\n",
            "1: '\\x1b[31mred' in column 6 is not a number; write a number or delete the line",
        ),
        (
            "1,7,10,20,30,40\n2 7,10,20,30,40,1\n",
            "2: '2 7' in column 1 is not a number; write a number or delete the line",
        ),
        (
            "1,3.5,10,20,30,40\n",
            "1: id 3.5 is not a whole number; frames and ids are whole numbers; correct the line",
        ),
        (
            "1,3,10,20,30,40\n1.25,4,10,20,30,40\n",
            "2: frame 1.25 is not a whole number; frames and ids are whole numbers; correct the line",
        ),
        ("1,1e300,1,2,3,4\n", "1: id 1e+300 is not a whole number; frames and ids are whole numbers; correct the line"),
        (
            "1,7,10,20,1e300,40\n",
            "1: box 10,20,1e+300,40 is out of all measure; boxes are in pixels; correct the line",
        ),
        (CLEAN.encode("utf-16"), "1: the file is UTF-16 text; save it as UTF-8 or plain text"),
        (CLEAN.encode("utf-16-le"), "1: the file is UTF-16 text; save it as UTF-8 or plain text"),
        (CLEAN.encode("utf-16-be"), "1: the file is UTF-16 text; save it as UTF-8 or plain text"),
        (CLEAN.encode() + b"\0\0", "4: the file is not text (it holds NUL bytes); give a MOT text file"),
        ("1,7,10,20,30," + "9" * 70_000, "1: the line is longer than 65,536 bytes; give a MOT text file"),
        (
            "1,7,10,20,30,x\n2,7,10,20,30,y\n3,7.5,1,2,3,4",
            "1: 'x' in column 6 is not a number; write a number or delete the line (2 more faults in this file)",
        ),
    ],
)
def test_what_is_refused_and_in_which_words(file, content, message):
    path = file(content)
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value) == f"{path}:{message}"


def test_what_is_not_a_file(tmp_path):
    with pytest.raises(InputError, match=r"gone\.txt: cannot be read \(No such file or directory\); check the path"):
        read(tmp_path / "gone.txt")
    with pytest.raises(InputError, match="not a file; give the path of a MOT text file"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a file"):
        read(tmp_path / "pipe")


def test_a_file_beyond_the_limit_is_refused(file, monkeypatch):
    monkeypatch.setattr(mot_parsing, "MAX_BYTES", 50)
    with pytest.raises(InputError, match="larger than 0 MiB; give one MOT text file per sequence"):
        read(file(CLEAN))


def test_lines_without_a_fault_are_kept_beside_the_faults(file):
    rows, _, faults = examine(file("1,7,10,20,30,40\n2,7,x,20,30,40\n3,7.5,10,20,30,40\n4,7,10,20,30,40\n"))
    assert rows.frame.tolist() == [1, 4]
    assert [fault.line for fault in faults] == [2, 3]


def test_a_file_of_nothing_but_faults_stops_early(file):
    _, _, faults = examine(file("a,b,c,d,e,f\n" * 50_000))
    assert len(faults) == mot_parsing.MAX_FAULTS


@pytest.mark.filterwarnings("error")
def test_rows_beyond_the_last_listed_fault_are_left_out_too(file):
    lines = [f"{frame},1e22,1,1,9,9\n" for frame in range(1, mot_parsing.MAX_FAULTS + 50)]
    rows, _, faults = examine(file("".join([*lines, "1,5,1,1,9,9\n", "2,5,1e300,1,9,9\n"])))
    assert rows.id.tolist() == [5]
    assert len(faults) == mot_parsing.MAX_FAULTS + 1


@pytest.mark.parametrize("first", [1, 2, 3])
def test_the_first_float_id_is_found(file, first):
    lines = ["1,1,1.5,2,3,4", "2,1,1.5,2,3,4", "3,1,1.5,2,3,4"]
    lines[first - 1] = lines[first - 1].replace(",1,", ",1.0,")
    for separator in (",", "\t"):
        assert examine(file("\n".join(lines).replace(",", separator)))[1].float_id_line == first
    assert examine(file(CLEAN))[1].float_id_line is None


def test_what_we_write_reads_back(file):
    rng = np.random.default_rng(0)
    tlwh, score = rng.uniform(-50, 2000, (20, 4)).round(2), rng.uniform(0, 1, 20).round(2)
    text = "".join(format_frame(frame, np.arange(1, 21), tlwh, score) for frame in (1, 2))
    rows = read(file(text))
    assert np.array_equal(rows.tlwh, np.tile(tlwh, (2, 1)))
    assert np.array_equal(rows.score, np.tile(score, 2))


def test_huge_ids_cost_nothing(file):
    path = file("1,200000000,10,20,30,40\n2,9007199254740991,10,20,30,40\n")
    tracemalloc.start()
    try:
        assert read(path).id.tolist() == [200_000_000, 2**53 - 1]
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_digits_without_end_do_not_hang():
    """Quadratic backtracking over one 60,000-digit field would take minutes."""
    line = b"1,2,3,4,5," + b"9" * 60_000
    assert len(mot_parsing.parse((line + b"x\n") * 20).faults) == 20
    assert len(mot_parsing.parse((line + b"\n") * 20).faults) == 20


numbers = st.one_of(
    st.integers(-10, 10**6).map(str), st.floats(-1e6, 1e6).map(repr), st.sampled_from(["1.", ".5", "+3", "2E3", "-0"])
)
pieces = st.one_of(
    numbers,
    st.sampled_from([",", "\n", " ", "\t", "\r\n", "nan", "", "-", "e", ".", "1,1,1,2,3,4\n", "\ufeff", ";", "x"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(numbers, min_size=6, max_size=10), max_size=8), st.sampled_from([",", " ", ", ", "\t"]))
def test_fast_and_slow_agree_on_clean_tables(table, separator):
    table = [row[: min(map(len, table))] for row in table]
    data = "\n".join(separator.join(row) for row in table).encode()
    kind = "," if "," in separator else " "
    fast = mot_parsing._fast(data, kind)
    values, _, faults = mot_parsing._slow(data, kind)
    assert fast is not None
    assert not faults
    assert np.array_equal(fast, values)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.lists(pieces, max_size=60).map(lambda parts: "".join(parts).encode())))
def test_any_bytes_end_in_rows_or_faults(data):
    table = mot_parsing.parse(data)
    assert np.isfinite(table.values).all()
    assert len(table.values) == len(table.line)
    assert (np.diff(table.line) > 0).all()
    assert table.values.shape[1] >= 6
    slow = mot_parsing._slow(data, table.separator)
    if not table.faults and b"\r" not in data and not data.startswith(b"\xef\xbb\xbf"):
        assert np.array_equal(table.values, slow[0])
        assert np.array_equal(table.line, slow[1])


def test_real_files_read_as_numpy_reads_them(shared):
    paths = [
        *shared("data").glob("**/gt.txt"),
        *shared("data").glob("**/det.txt"),
        *shared("data/mot17-results").glob("*/*.txt"),
    ]
    assert len(paths) > 20
    for path in paths:
        rows, table = read(path), np.loadtxt(path, delimiter=",")
        assert np.array_equal(np.column_stack([rows.frame, rows.id, rows.tlwh, rows.score]), table[:, :7])
