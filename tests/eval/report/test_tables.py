"""Tables, JSON, CSV, Markdown, and the bar for CI."""

import csv
import io
import json
import math

import pytest

from remix_track.errors import InputError
from remix_track.eval.files import saved
from remix_track.eval.report import tables as report

FIRST = {
    **{"MOTA": 47.41403, "IDF1": 57.19877, "IDsw": 26, "HOTA": 49.65976, "DetA": 44.4, "AssA": 55.5, "LocA": 92.5},
    **{"MOTP": 92.1, "IDP": 87.6, "IDR": 42.5, "FP": 89, "FN": 9656, "TP": 8925, "MT": 15, "PT": 25, "ML": 22},
    **{"Frag": 27, "Recall": 48.0},
}
EMPTY = {metric: math.nan if metric not in report.COUNTS else 0 for metric in FIRST}


@pytest.fixture
def evaluation():
    return {
        "protocol": {"name": "devkit", "description": "as the devkit", "benchmark": "MOT17", "split": "all"},
        "sequences": {"MOT17-02-FRCNN": FIRST, "MOT17-09-DPM": EMPTY},
        "detectors": {"DPM": EMPTY, "FRCNN": FIRST},
        "COMBINED": FIRST,
    }


def printed(table, width=120) -> str:
    from rich.console import Console

    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_the_table_for_a_terminal(evaluation):
    lines = [line.rstrip() for line in printed(report.to_table(evaluation)).splitlines()]
    assert lines[0].split() == list(report.COLUMNS)
    first, empty = " ".join(lines[2].split()), " ".join(lines[3].split())
    assert first == "MOT17-02-FRCNN 47.4 57.2 26 49.7 44.4 55.5 92.5 92.1 87.6 42.5 89 9656 15 25 22 27"
    assert empty == "MOT17-09-DPM - - 0 - - - - - - - 0 0 0 0 0 0"
    assert [line.split("  ")[0] for line in lines if line.startswith("COMBINED")] == [
        "COMBINED DPM", "COMBINED FRCNN", "COMBINED"
    ]  # fmt: skip
    assert lines[-1] == "protocol devkit (as the devkit); benchmark MOT17; split all"
    assert len({len(line) for line in lines if "47.4" in line}) == 1, "columns are right-aligned"


@pytest.mark.parametrize("width", [30, 60, 80, 100])
def test_a_narrow_terminal_loses_columns_not_digits(evaluation, width):
    text = printed(report.to_table(evaluation, width), width)
    assert all(len(line) <= width for line in text.splitlines())
    assert "…" not in text
    assert "no room for" in text.replace("\n", " ")
    assert "47.4" in text


def test_names_cannot_steer_the_terminal(evaluation):
    evaluation["sequences"] = {"a\x1b[31mb\n[red]c" + "x" * 99: FIRST}
    text = printed(report.to_table(evaluation))
    assert "\x1b" not in text
    assert "a?[31mb?[red]cxxxxxxxxxxxxxxxxx…" in text


def test_json_holds_null_for_nan_and_reads_back(evaluation, tmp_path):
    text = report.to_json(evaluation)
    assert json.loads(text)["sequences"]["MOT17-09-DPM"]["MOTA"] is None
    assert json.loads(text)["sequences"]["MOT17-02-FRCNN"] == FIRST
    (tmp_path / "a.json").write_text(text)
    back = saved.load(tmp_path / "a.json")
    assert report.to_json(back | {"people": {}}) == report.to_json(evaluation | {"people": {}})
    assert math.isnan(back["sequences"]["MOT17-09-DPM"]["MOTA"])


def test_csv(evaluation):
    rows = list(csv.DictReader(io.StringIO(report.to_csv(evaluation))))
    assert [row["sequence"] for row in rows] == [
        "MOT17-02-FRCNN", "MOT17-09-DPM", "COMBINED DPM", "COMBINED FRCNN", "COMBINED"
    ]  # fmt: skip
    assert (rows[0]["MOTA"], rows[0]["IDsw"], rows[0]["Recall"]) == ("47.41403", "26", "48.00000")
    assert (rows[1]["MOTA"], rows[1]["IDsw"]) == ("", "0")


def test_markdown(evaluation):
    evaluation["sequences"]["a|b<script>"] = FIRST
    lines = report.to_markdown(evaluation).splitlines()
    assert lines[0] == "| sequence | " + " | ".join(report.COLUMNS) + " |"
    assert lines[2].startswith("| MOT17-02-FRCNN | 47.4 | 57.2 | 26 | 49.7 |")
    assert lines[4].startswith("| a\\|b&lt;script> | 47.4")
    assert lines[7].startswith("| **COMBINED** | **47.4** |")
    assert len({line.replace("\\|", "").count("|") for line in lines[:8]}) == 1


@pytest.mark.parametrize(
    ("metric", "value", "sign", "text"),
    [
        ("MOTA", 47.449, False, "47.4"),
        ("MOTA", -12.0, False, "-12.0"),
        ("MOTA", -0.04, False, "0.0"),
        ("MOTA", math.nan, False, "-"),
        ("IDsw", 26, False, "26"),
        ("MOTA", 1.25, True, "+1.2"),
        ("MOTA", -0.01, True, "0.0"),
        ("IDsw", 0, True, "0"),
        ("IDsw", -40, True, "-40"),
        ("IDsw", 40, True, "+40"),
    ],
)
def test_how_values_are_shown(metric, value, sign, text):
    assert report.format_value(metric, value, sign=sign) == text


def test_minimums(evaluation):
    minimums = dict(map(report.parse_minimum, ["mota=47.41403", "IDF1 = 60", "recall=48.5", "MT=15"]))
    assert minimums == {"MOTA": 47.41403, "IDF1": 60, "Recall": 48.5, "MT": 15}
    assert report.check_minimums(minimums, evaluation) == [
        "COMBINED IDF1 is 57.199, below the minimum of 60",
        "COMBINED Recall is 48.000, below the minimum of 48.5",
    ]
    assert report.check_minimums({"MOTA": -1e9}, evaluation | {"COMBINED": EMPTY}) == [
        "COMBINED MOTA is not defined (nothing to divide by), below the minimum of -1e+09"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MOAT=60", "`min` MOAT: unknown metric; did you mean MOTA?"),
        ("idf=60", "`min` idf: unknown metric; did you mean IDF1?"),
        ("\x1b=1", "`min` ?: unknown metric; did you mean "),
        ("MOTA", "`min` 'MOTA': expected METRIC=NUMBER, as in `min` MOTA=60"),
        ("MOTA=", "`min` 'MOTA=': expected METRIC=NUMBER, as in `min` MOTA=60"),
        ("MOTA=nan", "`min` 'MOTA=nan': expected METRIC=NUMBER, as in `min` MOTA=60"),
        ("IDsw=5", "`min` IDsw: a minimum makes no sense for IDsw; give MOTA, IDF1, HOTA ..."),
    ],
)
def test_minimums_that_cannot_be_meant(text, message):
    with pytest.raises(InputError) as refused:
        report.parse_minimum(text)
    assert str(refused.value).startswith(message)


def test_a_minimum_on_a_metric_that_the_evaluation_lacks(evaluation):
    with pytest.raises(InputError, match="`min` DetRe: this evaluation holds no DetRe"):
        report.check_minimums({"DetRe": 1}, evaluation)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as JSON"),
        (b"\xff\xfe", "cannot be read as JSON"),
        (b"[" * 200_000, "cannot be read as JSON"),
        (b'{"COMBINED": {"MOTA": ' + b"9" * 5000 + b"}}", "cannot be read as JSON"),
        (b"[1, 2]", "not an evaluation"),
        (b"{}", 'not an evaluation ("sequences" is no table)'),
        (b'{"sequences": {"a": 1}}', "not an evaluation ('sequences/a' is no table)"),
        (b'{"sequences": {"a": {"MOTA": "high"}}}', "not an evaluation ('sequences/a/MOTA' is no number)"),
        (b'{"sequences": {"a": {"MOTA": true}}}', "not an evaluation ('sequences/a/MOTA' is no number)"),
        (
            b'{"sequences": {"a": {"MOTA": 1' + b"0" * 400 + b"}}}",
            "not an evaluation ('sequences/a/MOTA' is no number)",
        ),
        (b'{"sequences": {}, "protocol": []}', 'not an evaluation ("protocol" is no table)'),
        (b'{"sequences": {}}', "not an evaluation ('COMBINED' is no table)"),
    ],
)
def test_files_that_are_no_evaluation(tmp_path, content, message):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        saved.load(path)
    assert str(refused.value).startswith(f"{path}: {message}")
    assert str(refused.value).endswith("; give a file that remix-track eval --json FILE wrote")


def test_a_file_that_is_missing_or_too_large(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        saved.load(tmp_path / "gone.json")
    monkeypatch.setattr(saved, "_MAX_BYTES", 5)
    (tmp_path / "a.json").write_text("{}" * 5)
    with pytest.raises(InputError, match="larger than"):
        saved.load(tmp_path / "a.json")
