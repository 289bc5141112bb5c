"""The page of people in a real browser: what is clicked is shown, at the right frame and pixel; nothing is loaded."""

import socket
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.id_colours import css_of
from remix_track.trackers.frame import KnownPerson, TrackedFrame, blank
from remix_track.trackers.sinks.people_page import PeoplePageSink
from remix_track.trackers.sinks.sink import Sink
from remix_track.trackers.sinks.video import VideoSink
from remix_track.viewer.page_errors import put_errors
from tests.browser import keep, opened, until

WIDTH, HEIGHT, FPS, FRAMES = 321, 240, 25, 120
MARKUP = "<img src=x onerror=document.title='bad'><script>document.title='bad'</script>&amp; 'a' \"b\" </script>"


def there(id_, index):
    """Person 1 is there in frames 11 to 60 and 81 to 100, person 2 from 41 on."""
    return {1: 11 <= index <= 60 or 81 <= index <= 100, 2: index >= 41}[id_]


def box(id_, index):
    left = {1: 20 + index, 2: 280 - index}[id_]
    return [left, 60 + 5 * id_, left + 40, 170]


def frames(count=FRAMES):
    """Each person is a filled box of a grey that says which frame it is."""
    for index in range(1, count + 1):
        ids = [id_ for id_ in (1, 2) if there(id_, index)]
        image = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
        boxes = np.array([box(id_, index) for id_ in ids], np.float32).reshape(-1, 4)
        for left, top, right, bottom in boxes.astype(int).tolist():
            image[top:bottom, left:right] = 60 + index
        scores = np.full(len(ids), 0.5 + index / 1000, np.float32)
        tracks = Tracks(np.array(ids), boxes, scores, np.zeros(len(ids), int), np.arange(len(ids)))
        yield TrackedFrame(index, image, (index - 1) / FPS, tracks)


def written(folder, *, video=True, title="street", **more):
    sinks: list[Sink] = [VideoSink(folder / "video.mp4", FPS)] if video else []
    sinks.append(PeoplePageSink(folder / "people.html", FPS, title=title, class_names={0: "person"}, **more))
    for frame in frames():
        for sink in sinks:
            sink.write(frame)
    for sink in sinks:
        sink.close()
    return folder / "people.html"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("run"), title=MARKUP, drawn=False, labelled=False)


@pytest.fixture
def page(chromium, page_file):
    page = opened(chromium, page_file)
    until(page, "video.readyState >= 2")
    yield page
    page.close()


def seek(page, index):
    """Show frame `index` (from 1) and wait for it."""
    page.evaluate(f"seek({index - 1})")
    until(page, f"state.clock.frame === {index - 1} && state.clock.wanted === null")
    until(page, f"boxesAt({index - 1}) !== null")
    page.evaluate("drawBoxes()")


def shown_index(page):
    return page.evaluate("state.clock.frame") + 1


def test_nothing_is_asked_for_but_the_video_and_no_complaint_is_heard(page, page_file):
    page.keyboard.press("j")
    page.wait_for_timeout(200)
    assert page.heard.said == []
    asked = {url for url in page.heard.asked if not url.startswith("data:")}
    assert asked == {page_file.as_uri(), (page_file.parent / "video.mp4").as_uri()}


def test_the_policy_lets_no_other_script_run_and_nothing_be_loaded(page):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        page.evaluate(
            """async address => {
            const script = document.createElement('script');
            try { script.append("document.title = 'bad'"); document.body.append(script); } catch { }
            const image = new Image(), video = document.createElement('video');
            image.src = video.src = address + '/a';
            document.body.append(image, video);
            try { document.body.innerHTML = '<p>bad</p>'; } catch { }
            try { await fetch(address); } catch { }
            }""",
            f"http://127.0.0.1:{server.getsockname()[1]}",
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert page.title() != "bad"
    assert page.locator("#stage").count() == 1, "no text becomes markup"
    assert "Content Security Policy" in " ".join(page.heard.said)


def test_a_script_that_the_page_was_not_written_with_does_not_run(chromium, page_file):
    text = page_file.read_text(encoding="utf-8").replace("</body>", "<script>document.title='bad'</script></body>")
    other = page_file.with_name("other.html")
    other.write_text(text, encoding="utf-8")
    page = opened(chromium, other)
    assert page.title() != "bad"
    assert "Content Security Policy" in " ".join(page.heard.said)
    page.close()


def test_names_with_markup_are_text(page):
    assert page.locator("#title").text_content() == MARKUP
    assert page.title() != "bad"
    assert page.locator("#title *").count() == 0
    assert page.locator("body > script").count() == 3  # facts, errors, the script; others are taken out


def test_a_click_on_a_person_sets_the_time_of_the_video(page):
    page.locator(".card .name").nth(1).click()
    until(page, "!video.seeking && state.clock.frame === 40")
    assert page.evaluate("video.currentTime") == pytest.approx(40.5 / FPS, abs=1e-3)
    assert page.locator(".card[aria-pressed=true] b").text_content() == "Person 2"
    assert page.locator("#person h3").text_content().startswith("Person 2")
    assert "3.2 s" in page.locator("#person").text_content(), "80 frames at 25 a second"


def test_a_click_on_a_picture_leads_to_its_frame(page):
    page.locator(".card img").first.click()
    crop = page.evaluate("people[0].crops[0][0]")
    until(page, f"state.clock.frame === {crop}")
    assert there(1, crop + 1)
    grey = page.evaluate(
        """async () => {
        const image = document.querySelector('.card img');
        await image.decode();
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        return context.getImageData(image.naturalWidth >> 1, image.naturalHeight >> 1, 1, 1).data[0];
        }"""
    )
    assert abs(grey - (60 + crop + 1)) <= 3, "the picture is of that frame"


@pytest.mark.parametrize("index", [41, 60, 81, 100])
def test_the_box_lies_on_the_right_pixel_of_the_right_frame(page, index):
    seek(page, index)
    page.evaluate("choose(1)")
    # What the video shows is in its pixels: the grey of a box says which frame it is.
    place = page.evaluate(
        """() => {
        const area = overlay.getBoundingClientRect(), [x, y] = scaleOf();
        return [area.left, area.top, x, y];
        }"""
    )
    drawn = np.asarray(cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR))
    picture = drawn.astype(int)
    left, top, right, bottom = box(1, index)
    x, y = (lambda px: round(place[0] + px * place[2])), (lambda py: round(place[1] + py * place[3]))
    inside = picture[y((top + bottom) / 2), x((left + right) / 2)]
    assert abs(int(inside.mean()) - (60 + index)) <= 4, "the frame that the video shows"
    colour = np.array([int(css_of(1)[place : place + 2], 16) for place in (5, 3, 1)])
    for px, py in (
        (left, (top + bottom) / 2),
        (right, (top + bottom) / 2),
        ((left + right) / 2, top),
        ((left + right) / 2, bottom),
    ):
        near = picture[y(py) - 2 : y(py) + 3, x(px) - 2 : x(px) + 3].reshape(-1, 3)
        assert np.abs(near - colour).max(axis=1).min() <= 6, (px, py)
    assert np.abs(picture[y(top) - 30, x(left) - 30] - colour).max() > 60


def test_boxes_are_those_that_were_written(page):
    for index in (1, 11, 60, 61, 81, 120):
        seek(page, index)
        found = page.evaluate(f"boxesAt({index - 1})")
        expected = [(id_, *box(id_, index)) for id_ in (1, 2) if there(id_, index)]
        got = [
            (one["id"], one["left"], one["top"], one["left"] + one["width"], one["top"] + one["height"])
            for one in found
        ]
        assert got == expected


def test_a_click_on_a_box_selects_its_person(page):
    seek(page, 50)
    left, top, right, bottom = box(2, 50)
    area = page.locator("#overlay").bounding_box()
    scale = page.evaluate("scaleOf()")
    page.mouse.click(area["x"] + (left + right) / 2 * scale[0], area["y"] + (top + bottom) / 2 * scale[1])
    assert page.evaluate("state.chosen") == 2
    assert shown_index(page) == 50


def test_a_click_on_the_timeline_goes_there(page):
    area = page.locator("#rows").bounding_box()
    x = page.evaluate("xOf(90.5)")
    page.mouse.click(area["x"] + x, area["y"] + 12)
    until(page, "state.clock.frame === 90")
    assert page.evaluate("state.chosen") == 1
    page.mouse.click(area["x"] + 20, area["y"] + 24 + 12)
    until(page, "state.clock.frame === 40")
    assert page.evaluate("state.chosen") == 2


def test_keys(page):
    def now(frame):
        until(page, f"state.clock.frame === {frame} && state.clock.wanted === null")

    page.keyboard.press("j")
    now(10)
    page.keyboard.press("n")
    now(80)
    page.keyboard.press("p")
    now(10)
    page.keyboard.press(".")
    now(11)
    page.keyboard.press("ArrowRight")
    now(11 + FPS)
    page.keyboard.press("ArrowLeft")
    now(11)
    page.keyboard.press("k")
    assert page.evaluate("state.chosen") == 1, "there is none before the first"
    page.keyboard.press("End")
    now(FRAMES - 1)
    page.keyboard.press("Home")
    now(0)
    page.keyboard.press("b")
    assert page.evaluate("$('boxes').value") == "none"
    page.keyboard.press("Escape")
    assert page.evaluate("state.chosen") is None
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("2")
    assert page.locator(".card").count() == 1
    page.keyboard.press("Enter")
    assert page.evaluate("state.chosen") == 2


def test_playing_shows_frame_after_frame_and_only_the_selected_where_that_is_asked_for(page):
    page.evaluate("choose(1, {seek: 55})")
    until(page, "state.clock.frame === 55")
    page.evaluate("$('only').checked = true")
    page.evaluate("seen = []; draws = drawBoxes; drawBoxes = () => { seen.push(state.clock.frame); draws(); }")
    page.keyboard.press(" ")
    until(page, "state.clock.frame >= 85")
    page.keyboard.press(" ")
    seen = page.evaluate("seen")
    gap = {frame for frame in seen if 60 <= frame < 80}
    assert len(gap) < 10, "frames without the person are passed over; a few come while the video goes there"


def test_light_and_dark(chromium, page_file):
    grounds = []
    for scheme in ("light", "dark"):
        page = opened(chromium, page_file, scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        keep(page, f"people-{scheme}")
        page.keyboard.press("t")
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close()
    light, switched_to_dark, dark, switched_to_light = grounds
    assert light == switched_to_light != dark == switched_to_dark


def test_on_a_narrow_screen_the_video_stays_and_nothing_sticks_out(chromium, page_file):
    page = opened(chromium, page_file, width=400, height=780)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    keep(page, "people-400")
    page.evaluate("scrollTo(0, 500)")
    area = page.locator("#stage").bounding_box()
    assert area["y"] == 0
    assert area["width"] == pytest.approx(400, abs=1)
    page.close()


@pytest.mark.parametrize(("count", "when"), [(11, "0:00.4 – 0:00.4"), (FPS * 20 + 1, "0:00 – 0:02")])
def test_one_person_is_counted_as_such_and_short_videos_have_tenths(chromium, tmp_path, count, when):
    path = tmp_path / "people.html"
    with PeoplePageSink(path, FPS, title="short") as sink:
        for index in range(1, count + 1):
            ids = np.ones(int(11 <= index <= 60), int)
            boxes = np.array([box(1, index)] * len(ids), np.float32).reshape(-1, 4)
            tracks = Tracks(ids, boxes, np.full(len(ids), 0.9, np.float32), ids - 1, ids - 1)
            sink.write(TrackedFrame(index, blank((HEIGHT, WIDTH, 3)), (index - 1) / FPS, tracks))
    page = opened(chromium, path)
    assert page.locator("#facts-line").inner_text().startswith("1 person · ")
    assert page.locator(".card .when").inner_text() == when
    page.close()


def test_lengths_are_those_of_the_clock_where_a_camera_is_slower_than_was_thought(chromium, tmp_path):
    path = tmp_path / "people.html"
    with PeoplePageSink(path, FPS, title="camera") as sink:
        for index in range(1, 21):
            ids = np.ones(int(not 6 <= index <= 10), int)
            boxes = np.array([box(1, index)] * len(ids), np.float32).reshape(-1, 4)
            tracks = Tracks(ids, boxes, np.full(len(ids), 0.9, np.float32), ids - 1, ids - 1)
            utc = datetime(2026, 11, 29, 22, 59, index, tzinfo=UTC)
            sink.write(TrackedFrame(index, blank((HEIGHT, WIDTH, 3)), float(index), tracks, utc))
    page = opened(chromium, path)
    assert "20 frames · 19 s · 25 fps" in page.locator("#facts-line").inner_text()
    page.keyboard.press("j")
    assert "gaps\n1, 6.0 s\n" in page.locator("#person dl").inner_text()
    page.close()


def camera(path, seconds, people=None, **more):
    """A page of a camera from ten seconds before midnight on, with one frame at each of these seconds and person 1."""
    with PeoplePageSink(path, FPS, title="camera", **more) as sink:
        for index, second in enumerate(seconds, 1):
            one = np.ones(1, int)
            tracks = Tracks(one, np.array([box(1, index)], np.float32), np.full(1, 0.9, np.float32), one - 1, one - 1)
            utc = datetime(2026, 11, 29, 23, 59, 50, tzinfo=UTC) + timedelta(seconds=second)
            known = people(index) if people else None
            sink.write(TrackedFrame(index, blank((HEIGHT, WIDTH, 3)), float(second), tracks, utc, known))
    return path


def test_days_are_said_where_a_camera_runs_over_midnight(chromium, tmp_path):
    page = opened(chromium, camera(tmp_path / "people.html", range(21)))
    assert page.locator("#facts-line").inner_text().endswith("2026-11-29 to 2026-11-30 UTC")
    assert page.locator(".card .when").inner_text() == "11-29 23:59:50 – 11-30 00:00:10"
    ticks = [(round(frame, 1), text) for frame, text in page.evaluate("[...ticksFor(5)]")]
    # Frames come once a second, not at the 25 a second that the page was told.
    assert ticks == [(0, "11-29 23:59:50"), (5, "23:59:55"), (10, "11-30"), (15, "00:00:05"), (20, "00:00:10")]
    page.close()
    one_day = opened(chromium, camera(tmp_path / "short.html", range(9)))
    assert one_day.locator("#facts-line").inner_text().endswith("· 2026-11-29 UTC")
    assert one_day.locator(".card .when").inner_text() == "23:59:50 – 23:59:58"
    one_day.close()


def test_times_that_a_camera_was_away_are_written_once(chromium, tmp_path):
    page = opened(chromium, camera(tmp_path / "people.html", [*range(5), *range(3600, 3605)]))
    texts = page.evaluate("""(() => {
        const context = ruler.getContext('2d'), said = [];
        const write = context.fillText;
        context.fillText = text => said.push(text);
        drawTicks(context, ruler.clientWidth);
        context.fillText = write;
        return said;
    })()""")
    assert len(texts) == 1, "all of them are at the one place between two frames"
    page.close()


def test_cards_have_the_names_that_a_store_knows(chromium, tmp_path):
    found = {3: KnownPerson(7, "", False), 5: KnownPerson(4, MARKUP), 9: KnownPerson(8, "", False)}
    people = lambda index: {1: found[index]} if index in found else {}  # noqa: E731
    page = opened(chromium, camera(tmp_path / "people.html", range(12), people))
    assert page.locator(".card .name b").inner_text() == MARKUP, "of what it was sure, as text"
    page.keyboard.press("j")
    assert page.locator("#person dl").inner_text().startswith("track\n1\n")
    page.locator("#find").fill("SRC=X")
    assert page.locator(".card").count() == 1
    page.locator("#find").fill("Bea")
    assert page.locator(".card").count() == 0
    assert page.heard.said == []
    page.close()


@pytest.mark.parametrize("labelled", [False, True])
def test_a_label_that_is_in_the_video_is_not_written_over_it(chromium, tmp_path, labelled):
    page = opened(chromium, written(tmp_path, drawn=False, labelled=labelled))
    until(page, "video.readyState >= 2")
    seek(page, 50)
    until(page, "boxesAt(state.clock.frame) !== null")
    texts = page.evaluate("""(() => {
        const said = [], write = pen.fillText;
        pen.fillText = text => said.push(text);
        drawBoxes();
        pen.fillText = write;
        return said;
    })()""")
    assert sorted(texts) == ([] if labelled else ["1", "2"])
    page.close()


def test_a_video_without_frames_has_no_size(chromium, tmp_path):
    PeoplePageSink(tmp_path / "people.html", FPS, title="empty").close()
    page = opened(chromium, tmp_path / "people.html")
    assert page.locator("#facts-line").inner_text() == "0 people · 0 frames · 0.0 s · 25 fps"
    assert page.heard.said == []
    page.close()


@pytest.mark.parametrize("was_there", [False, True])
def test_without_a_video_the_page_says_so_and_works(chromium, tmp_path, was_there):
    path = written(tmp_path, video=was_there)
    (tmp_path / "video.mp4").unlink(missing_ok=True)
    page = opened(chromium, path)
    until(page, "!state.video")
    words = "video.mp4 cannot be played here" if was_there else "This run has no video."
    assert words in page.locator("#notes").text_content()
    page.locator(".card .name").nth(1).click()
    assert shown_index(page) == 41
    page.keyboard.press(" ")
    until(page, "state.clock.frame > 45")
    page.keyboard.press(" ")
    until(page, "boxesAt(state.clock.frame) !== null")
    assert page.evaluate("boxesAt(state.clock.frame).map(box => box.id)") == [1, 2]
    page.close()


def test_errors_stand_on_the_same_timeline(chromium, tmp_path):
    path = written(tmp_path)
    put_errors(path, {"missed": [], "alarms": [], "switches": [[5, 1, 1, 2]]})
    marks = {"missed": [[9, 3, 20]], "alarms": [[2, 41, 50]], "switches": [[82, 9, 2, 1], [45, 9, 1, 2]]}
    put_errors(path, marks)
    page = opened(chromium, path)
    until(page, "video.readyState >= 2")
    assert page.heard.said == []
    assert "2 identity switches (◆, key e), 1 false stretch" in page.locator("#notes").text_content()
    page.keyboard.press("e")
    until(page, "state.clock.frame === 44")
    assert page.evaluate("state.chosen") == 2
    page.keyboard.press("e")
    until(page, "state.clock.frame === 81")
    assert page.evaluate("state.chosen") == 1
    page.keyboard.press("E")
    until(page, "state.clock.frame === 44")
    assert page.evaluate("[missed, alarmsOf.get(2), switchesOf.get(1)]") == [[[2, 20]], [[40, 50]], [81, 44]]
    page.close()


def test_errors_are_put_onto_pages_of_people_only(tmp_path):
    path = tmp_path / "other.html"
    path.write_text("<p>")
    with pytest.raises(InputError, match="no page of people"):
        put_errors(path, {})
    assert path.read_text() == "<p>"


def test_ten_thousand_people_scroll(chromium, tmp_path):
    sink = PeoplePageSink(tmp_path / "people.html", FPS, title="crowd")
    image = np.broadcast_to(np.zeros((), np.uint8), (HEIGHT, WIDTH, 3))
    for number in range(100):
        ids = np.arange(100 * number + 1, 100 * number + 101)
        boxes = np.tile(np.array([[10, 10, 50, 90]], np.float32), (100, 1))
        sink.write(
            TrackedFrame(
                number + 1, image, number / FPS, Tracks(ids, boxes, np.ones(100, np.float32), ids * 0, ids * 0)
            )
        )
    sink.close()
    page = opened(chromium, tmp_path / "people.html")
    assert page.locator("#count").text_content() == "10,000"
    assert page.locator(".card").count() < 1000, "more are made as they are scrolled to"
    page.evaluate("rows.scrollTop = 1e9")
    area = page.locator("#rows").bounding_box()
    page.mouse.click(area["x"] + 20, area["y"] + area["height"] - 14)
    assert page.evaluate("state.chosen") == 10_000
    assert shown_index(page) == 100
    page.close()
