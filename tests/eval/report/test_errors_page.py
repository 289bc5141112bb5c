"""The errors page: its numbers against a drawn scene and naive loops, its HTML, its limits, its look in a browser."""

import html.parser
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from remix_track import mot_text
from remix_track.detections import Tracks
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.matching.lost_boxes import REASONS, lost_boxes
from remix_track.eval.matching.match import Match
from remix_track.eval.metrics.score import as_dict, combine, score_sequence
from remix_track.eval.report import error_images, error_spans, errors_page
from remix_track.eval.report.error_images import Box, Budget, Shot
from remix_track.eval.report.error_reasons import mostly
from remix_track.eval.report.error_spans import ABSENT, MISSED
from remix_track.id_colours import css_of
from remix_track.mot_text import MotRows
from remix_track.trackers.drawing.drawer import Drawer, DrawingSettings
from remix_track.trackers.frame import TrackedFrame
from tests.browser import opened

# frame      1 2 3 4 5 6 7 8 9 10
# person 1   a a a . . b b b      (. is missed; ' ' is not there)
# person 2     c c     . c
# track 9    false alarms in frames 4, 5, 6 and 9
SCENE = {"a": 5, "b": 8, "c": 200_000_000}
LIVES = {1: "aaa..bbb  ", 2: " cc  .c   "}
ALARMS = {9: [4, 5, 6, 9]}


def rows(boxes: list[tuple[int, int, float]]) -> MotRows:
    """`MotRows` from (frame, id, left)."""
    frame, id_, left = (np.array(column) for column in zip(*boxes, strict=True))
    count = len(boxes)
    tlwh = np.column_stack([left, np.full(count, 40), np.full(count, 30), np.full(count, 60)]).astype(float)
    whole = np.ones(count, np.int64)
    return MotRows(frame, id_, tlwh, np.ones(count), whole, np.ones(count), np.arange(1, count + 1))


def score(gt: MotRows, results: MotRows, frames: int, preset: str = "data"):
    return score_sequence(gt, results, PRESETS[preset], PROTOCOLS["devkit"], frames)


def evaluated(scores) -> tuple[dict[str, Any], dict[str, Match]]:
    numbers = {name: as_dict(made.score) for name, made in scores.items()}
    everything = as_dict(combine(made.score for made in scores.values()))
    evaluation = {"protocol": {"name": "devkit"}, "sequences": numbers, "COMBINED": everything}
    return evaluation, {name: made.match for name, made in scores.items()}


@pytest.fixture(scope="module")
def scene() -> tuple[dict[str, Any], dict[str, Match]]:
    gt = [(f, p, 100.0 * p) for p, life in LIVES.items() for f, x in enumerate(life, 1) if x != " "]
    results = [(f, SCENE[x], 100.0 * p) for p, life in LIVES.items() for f, x in enumerate(life, 1) if x in SCENE]
    results += [(frame, track, 500.0) for track, frames in ALARMS.items() for frame in frames]
    return evaluated({"scene": score(rows(gt), rows(results), 10)})


class Page(html.parser.HTMLParser):
    """Tags, attributes and text of a page; fails on tags that do not close."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in {"meta"}:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "td" in self.open:
            self.rows[-1][-1] += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [value for t, name, value in self.attributes if (t, name) == (tag, attribute)]


def test_spans_of_the_scene(scene):
    match = scene[1]["scene"]
    missed = error_spans.missed_spans(match, 9)
    assert [(span.id, span.first, span.last, span.boxes) for span in missed] == [(1, 4, 5, 2), (2, 6, 6, 1)]
    assert match.gt.frame[missed[0].middle] in (4, 5)
    alarms = error_spans.false_alarm_spans(match, 9)
    assert [(span.id, span.first, span.last, span.boxes) for span in alarms] == [(9, 4, 9, 4)]
    assert len(error_spans.missed_spans(match, 1)) == 1


def test_lives_of_the_scene(scene):
    match = scene[1]["scene"]
    track = {letter: match.track_ids.tolist().index(id_) for letter, id_ in SCENE.items()}
    states = error_spans.lives(match, [1, 0], 10)
    code = {" ": ABSENT, ".": MISSED} | track
    assert states[1].tolist() == [code[x] for x in LIVES[1]]
    assert states[0].tolist() == [code[x] for x in LIVES[2]]
    # Two frames to a column: half missed still shows the track.
    halves = [state.tolist() for state in error_spans.lives(match, [0, 1], 5)]
    assert halves[0] == [track["a"], track["a"], track["b"], track["b"], ABSENT]
    assert halves[1] == [track["c"], track["c"], MISSED, track["c"], ABSENT]


def test_spans_agree_with_a_loop():
    rng = np.random.default_rng(0)
    for _ in range(50):
        count = int(rng.integers(0, 60))
        owner, bad = rng.integers(0, 4, count), rng.random(count) < 0.5
        frame = np.sort(rng.integers(1, 30, count))
        expected = []
        for person in range(4):
            run: list[int] = []
            for row in [*np.flatnonzero(owner == person), None]:
                if row is not None and bad[row]:
                    run.append(row)
                elif run:
                    expected.append((person, frame[run[0]], frame[run[-1]], len(run)))
                    run = []
        found = error_spans._longest(owner, bad, frame, owner, 1000)
        assert sorted((span.id, span.first, span.last, span.boxes) for span in found) == sorted(expected)
        assert [span.boxes for span in found] == sorted((span.boxes for span in found), reverse=True)


@pytest.mark.parametrize(("frames", "columns"), [(10, 10), (10, 4), (600, 400), (7, 3)])
def test_columns_are_averages(frames, columns):
    every = np.arange(1, frames + 1)
    assert np.allclose(error_spans.per_column(every, frames, columns), 1)
    assert np.allclose(error_spans.per_column(np.repeat(every, 3), frames, columns), 3)
    assert error_spans.columns_of(every, frames, columns)[[0, -1]].tolist() == [0, columns - 1]


def test_the_page_of_the_scene(scene):
    page = Page(errors_page.render(*scene))
    assert ["6", "1", "5", "8", "2"] in page.rows, "frame, person, old id, new id, frames between"
    assert ["1", "4–5", "2"] in page.rows
    assert ["9", "4–9", "4"] in page.rows
    assert page.values("div", "data-id") == ["1", "2"]
    assert page.values("div", "data-missed") == ["2", "1"]
    assert page.values("div", "data-switches") == ["1", "0"]
    assert "track 200000000" in page.text
    assert "6–8: track 8" in page.text
    assert "frame 6: person 1, 5 → 8, gap 2" in page.text
    assert page.tags["image"] == 0


def test_the_page_says_why_people_were_missed(scene):
    evaluation, matches = scene
    # Of person 1 (missed in frames 4 and 5) a sure box was there in frame 5, of person 2 in none.
    match = matches["scene"]
    detections = match.gt[(match.gt.frame == 5) & (match.gt.id == 1)]
    lost = {"scene": lost_boxes(match, detections)}
    image = np.full((200, 700, 3), 90, np.uint8)
    page = Page(errors_page.render(evaluation, matches, lambda name, frame: image, lost))
    lines = {row[0]: row[1:3] for row in page.rows if len(row) == 4 and row[0] in REASONS}
    share = f"{100 / len(match.gt):.1f}"
    assert lines == {"no detection": ["2", f"{2 * 100 / len(match.gt):.1f}"], "late birth": ["1", share]}
    assert f"(a score of 0.5 or more) lies on them: 1 boxes, {share} % of all; of these 1 have" in page.text
    assert "late birth: person 1, frame 5" in page.text
    assert "detection 1.00; 2 frames before: id 5; 1 frame after: id 8" in page.text
    assert ["1", "4–5", "2", "no detection"] in page.rows
    assert ["2", "6–6", "1", "no detection"] in page.rows
    without = Page(errors_page.render(evaluation, matches, None, {"scene": lost_boxes(match)}))
    assert "The detections are not known" in without.text
    assert "Why people were missed" not in Page(errors_page.render(evaluation, matches)).text


def test_the_most_frequent_reason_is_that_of_the_person():
    truth = rows([(frame, person, 100.0 * person) for frame in (1, 2, 3) for person in (1, 2)])
    match = score(truth, truth[:0], 3).match
    lost = lost_boxes(match, truth[(truth.id == 1) & (truth.frame < 3)])
    assert {span.id: mostly(match, lost, span) for span in error_spans.missed_spans(match, 9)} == {
        1: "never tracked", 2: "no detection",
    }  # fmt: skip


def test_nothing_is_fetched(scene):
    page = Page(errors_page.render(scene[0], scene[1], lambda name, frame: np.zeros((200, 700, 3), np.uint8)))
    links = [value for _, name, value in page.attributes if name in {"href", "src", "data", "action", "srcset"}]
    assert links
    assert all(link.startswith(("#", "data:image/jpeg;base64,")) for link in links)
    assert "default-src 'none'" in page.values("meta", "content")[0]
    assert not page.tags.keys() & {"link", "iframe", "object", "embed", "base", "form"}


def test_names_are_text_not_markup(scene):
    evaluation, matches = scene
    name = "<script>alert('x')</script>\"&\x1b"
    hostile = evaluation | {
        "sequences": {name: evaluation["sequences"]["scene"]}, "protocol": {"name": name, "description": name}
    }  # fmt: skip
    text = errors_page.render(hostile, {name: matches["scene"]})
    assert Page(text).tags["script"] == 1
    assert "\x1b" not in text
    assert "&lt;script&gt;alert(" in text


def test_pictures_are_asked_for_once_and_in_order(scene):
    asked = []

    def picture(name, frame):
        asked.append((name, frame))
        return None if frame == 5 else np.full((200, 700, 3), 90, np.uint8)

    page = Page(errors_page.render(scene[0], scene[1], picture))
    assert asked == sorted(set(asked))
    assert {name for name, _ in asked} == {"scene"}
    assert page.tags["figure"] > 2
    assert page.tags["figcaption"] == page.tags["figure"]


def test_an_id_has_one_colour_on_the_page_in_its_pictures_and_in_the_video(scene):
    ids = [*SCENE.values(), *ALARMS]
    xyxy = np.array([[10 + 60 * place, 40, 50 + 60 * place, 140] for place in range(len(ids))], np.float32)
    each = np.zeros(len(ids), np.int64)
    image = np.full((200, 300, 3), 90, np.uint8)
    frame = TrackedFrame(1, image, 0.0, Tracks(np.array(ids), xyxy, np.ones(len(ids), np.float32), each, each))
    video = Drawer(DrawingSettings(labels=False, trails=False)).draw(frame)
    text = errors_page.render(scene[0], scene[1], lambda name, frame: np.full((200, 700, 3), 90, np.uint8))
    for id_, (left, _, _, bottom) in zip(ids, xyxy.astype(int), strict=True):
        blue, green, red = video[bottom - 20, left].tolist()
        drawn = f"#{red:02x}{green:02x}{blue:02x}"
        found = [
            *re.findall(rf'fill="([^"]*)"><title>[^<]*: track {id_}</title>', text),
            *re.findall(rf'style="background:([^"]*)"></span>{id_}</td>', text),
            *re.findall(rf'class="track-ground"[^>]*fill="([^"]*)"/><text [^>]*>{id_}</text>', text),
        ]
        assert set(found) == {drawn}, id_
    assert set(re.findall(r'class="track"[^>]*stroke="([^"]*)"', text)) == {css_of(id_) for id_ in ids}


@pytest.mark.parametrize("shape", [None, (0, 0, 3), (50, 50), (1, 1, 3), (30, 900, 3)])
def test_odd_pictures_do_no_harm(scene, shape):
    image = None if shape is None else np.zeros(shape, np.uint8)
    page = Page(errors_page.render(scene[0], scene[1], lambda name, frame: image))
    assert page.tags["table"] > 0, "the numbers are shown whatever the images are"


def test_boxes_outside_the_picture_are_not_shown():
    image = np.zeros((100, 100, 3), np.uint8)
    far, inside = Box((5000.0, 0.0, 10.0, 10.0), "7", 7), Box((90.0, 90.0, 30.0, 30.0), "8", 8)
    made = error_images.take([Shot(1, (far,)), Shot(1, (inside, far))], "s", lambda *_: image, Budget())
    assert [shot.boxes for shot in made] == [(inside, far)]
    assert ">8</text>" in next(iter(made.values()))
    assert ">7</text>" not in next(iter(made.values()))


def test_the_budget_bounds_the_pictures():
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    shots = [Shot(frame, (Box((100.0, 100.0, 50.0, 100.0), "1", 1),)) for frame in range(1, 50)]
    few = error_images.take(shots, "s", lambda *_: noise, Budget(pictures=3))
    assert [shot.frame for shot in few] == [1, 2, 3]
    budget = Budget(bytes=200_000)
    made = error_images.take(shots, "s", lambda *_: noise, budget)
    assert 1 <= len(made) < 49
    assert sum(map(len, made.values())) + budget.bytes == 200_000


def test_an_empty_sequence_has_a_page():
    none = rows([(1, 1, 1.0)])[:0]
    evaluation, matches = evaluated({"empty": score(none, none, 3), "unseen": score(none, none, 0)})
    lost = {name: lost_boxes(match, none) for name, match in matches.items()}
    page = Page(errors_page.render(evaluation, matches, None, lost))
    assert page.text.count("None.") == 6
    assert page.text.count("None was.") == 2


def test_a_long_sequence_has_a_page_of_bounded_size():
    """Worst case: more people than are shown, who flicker all the time."""
    rng = np.random.default_rng(0)
    frames, people = 10_000, 200
    gt = [(int(f), p, 40.0 * p) for p in range(people) for f in rng.choice(frames, 200, replace=False) + 1]
    gt.sort()
    kept = rng.random(len(gt)) < 0.7
    results = [(f, int(rng.integers(1, 1000)) * 1000 + p, x) for (f, p, x), keep in zip(gt, kept, strict=True) if keep]
    text = errors_page.render(*evaluated({"long": score(rows(gt), rows(results), frames)}))
    assert len(text) < 6_000_000
    assert "The first 300 are listed." in text
    assert "The 150 with most missed boxes are shown." in text


def test_real_results(shared, tmp_path):
    data, name = shared("data"), "MOT17-13-FRCNN"
    gt = mot_text.read(data / f"mot17/train/{name}/gt/gt.txt")
    results = mot_text.read(data / f"mot17-results/bytetrack_public/{name}.txt")
    evaluation, matches = evaluated({name: score(gt, results, 750, "mot17")})
    errors_page.write(tmp_path / "errors.html", evaluation, matches)
    text = (tmp_path / "errors.html").read_text(encoding="utf-8")
    page = Page(text)
    assert f"Identity switches ({evaluation['COMBINED']['IDsw']})" in page.text
    assert sum(len(row) == 5 for row in page.rows) == evaluation["COMBINED"]["IDsw"] == 223
    assert sum(map(int, page.values("div", "data-missed"))) == evaluation["COMBINED"]["FN"]
    assert len(text) < 1_000_000


def test_in_a_browser(scene, tmp_path):
    """Headless Chromium draws the page from disk, and its script sorts the people."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium here; install it to see the page drawn")
    page = tmp_path / "errors.html"
    errors_page.write(page, scene[0], scene[1], lambda name, frame: np.full((200, 700, 3), 90, np.uint8))
    sort = """<script>
        const select = document.querySelector('select.order');
        select.options[0].value = 'id -1';
        select.value = 'id -1';
        select.dispatchEvent(new Event('change'));
        const ids = [...document.querySelectorAll('.person')].map(person => person.dataset.id).join();
        document.title = ids + ' drawn ' + document.querySelector('.life rect').getBoundingClientRect().width;
        </script>"""
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("</body>", sort + "</body>"), encoding="utf-8")
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1300,1200", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    drawn = re.search(r"<title>([\d,]+) drawn ([\d.]+)</title>", dom)
    assert drawn is not None
    assert drawn[1] == "2,1", "sorted by descending id"
    assert float(drawn[2]) > 50


def test_on_a_narrow_screen_nothing_sticks_out(scene, tmp_path, chromium):
    page_file = tmp_path / "errors.html"
    errors_page.write(page_file, scene[0], scene[1], lambda name, frame: np.full((200, 700, 3), 90, np.uint8))
    page = opened(chromium, page_file, width=400, height=780)
    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_a_page_that_cannot_be_written(scene, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        errors_page.write(Path(tmp_path / "file" / "errors.html"), *scene)
