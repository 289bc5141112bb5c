"""The pages in a real browser: what is clicked is shown, at the right frame and pixel; nothing leaves the loopback."""

from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from remix_track.id_colours import css_of
from remix_track.store import Job, JobSource, open_store
from remix_track.store.people import PeopleFiles
from tests.browser import Heard
from tests.browser import until as until_within
from tests.server.conftest import MARKUP, serving
from tests.server.drawn_store import FPS, NOON, box, grey, keys_of
from tests.store.frames import WEIGHTS


@pytest.fixture
def open_page(chromium):
    pages = []

    def opened(address, *, width=1280, height=1000, scheme="light", script=""):
        page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        if script:
            page.add_init_script(script)
        page.heard = heard = Heard()
        page.on("console", lambda message: heard.said.append(message.text))
        page.on("pageerror", lambda error: heard.said.append(str(error)))
        page.on("request", lambda request: heard.asked.append(request.url))
        page.set_default_timeout(90_000)
        page.goto(address)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()


def until(page, expression):
    until_within(page, expression, seconds=90)


def shows(page, key, seconds):
    """Wait until the player shows a second of a recording."""
    until(page, f"globalThis.view && view.player.recording && view.player.recording.key === '{key}'")
    until(page, "view.player.medium !== view.player.video || view.player.video.readyState > 1")
    until(page, f"Math.abs(view.player.seconds - {seconds}) < 0.02 && !view.player.video.seeking")
    until(page, f"view.player.boxesAt({seconds}) !== null")
    page.wait_for_timeout(60)


def test_a_person_leads_to_a_day_and_a_track_to_its_second(open_page, address, store):
    page = open_page(f"{address}/")
    page.locator(".card", has_text="Person 1").click()
    page.wait_for_url("**/1/person/1")
    keys = keys_of(store)
    shows(page, keys["gate"], 0)
    page.locator(".row b", has_text="yard").click()
    shows(page, keys["yard"], 2)
    assert page.evaluate("view.player.video.currentTime") == pytest.approx(2 + 0.5 / FPS, abs=1e-3)
    assert page.locator(".row.chosen b").text_content() == "yard"
    assert page.locator(".time").text_content() == "12:01:02.0"
    page.locator(".row b", has_text="gate").click()
    shows(page, keys["gate"], 0)
    assert page.heard.said == []


def test_a_seek_is_shown_where_the_browser_announces_no_picture_or_one_of_the_place_before(open_page, address, store):
    # As on a machine with much else to do: pictures are announced late, and some of them never.
    stale = """
    HTMLVideoElement.prototype.requestVideoFrameCallback = function (done) { globalThis.announced = done; };
    """
    page = open_page(f"{address}/1/person/1", script=stale)
    keys = keys_of(store)
    shows(page, keys["gate"], 0)
    old = "view.player.video.addEventListener('loadstart', () => announced(0, {mediaTime: 0}), {once: true})"
    page.evaluate(f"() => {{ {old}; }}")
    page.locator(".row b", has_text="yard").click()
    shows(page, keys["yard"], 2)
    assert page.locator(".time").text_content() == "12:01:02.0"
    page.evaluate("() => { globalThis.told = []; view.player.onTime = (_, seconds) => told.push(seconds); }")
    page.evaluate("view.player.seek(3); announced(0, {mediaTime: 2})")
    shows(page, keys["yard"], 3)
    until(page, "told.length")
    assert page.evaluate("told") == [3]
    assert page.locator(".time").text_content() == "12:01:03.0"
    late = """() => {
    view.player.medium = view.player.clock;
    announced(0, {mediaTime: 5});
    view.player.video.dispatchEvent(new Event('seeked'));
    return view.player.seconds;
    }"""
    assert page.evaluate(late) == 3, "nothing of a video moves what is no video"
    assert page.heard.said == []


@pytest.mark.parametrize("index", [1, 25, 41, 60])
def test_the_box_lies_on_the_right_pixel_of_the_right_frame(open_page, address, store, index):
    page = open_page(f"{address}/1/person/1")
    seconds = (index - 1) / FPS
    shows(page, keys_of(store)["gate"], 0)
    page.evaluate(f"view.player.seek({seconds})")
    shows(page, keys_of(store)["gate"], seconds)
    assert page.evaluate("view.player.boxesAt(view.player.seconds).find(box => box.track === 1).frame") == index
    area = page.evaluate(
        """() => {
        const area = view.player.canvas.getBoundingClientRect(), [x, y] = view.player.scale();
        return [area.left, area.top, x, y];
        }"""
    )
    picture = np.asarray(cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)).astype(int)
    left, top, right, bottom = box(1, index)
    x, y = (lambda px: round(area[0] + px * area[2])), (lambda py: round(area[1] + py * area[3]))
    inside = picture[y((top + bottom) / 2), x((left + right) / 2)]
    assert abs(int(inside.mean()) - grey(1, index)) <= 12, "the frame that the video shows"
    colour = np.array([int(css_of(1)[place : place + 2], 16) for place in (5, 3, 1)])
    middle = ((left + right) / 2, (top + bottom) / 2)
    for px, py in ((left, middle[1]), (right, middle[1]), (middle[0], top), (middle[0], bottom)):
        near = picture[y(py) - 2 : y(py) + 3, x(px) - 2 : x(px) + 3].reshape(-1, 3)
        assert np.abs(near - colour).max(axis=1).min() <= 6, (px, py)
    assert np.abs(picture[y(top) - 30, x(left) - 12] - colour).max() > 60


def test_a_click_on_the_timeline_plays_that_moment(open_page, address, store):
    page = open_page(f"{address}/1/person/1")
    shows(page, keys_of(store)["gate"], 0)
    noon = round(NOON.timestamp() * 1000)
    page.evaluate("scrollTo(0, 0)")
    place = page.evaluate(
        f"""() => {{
        const area = view.timeline.canvas.getBoundingClientRect();
        return [area.left + view.timeline.x({noon} + 64000), area.top + 24 + 26 + 13];
        }}"""
    )
    page.mouse.click(*place)
    until(page, f"view.player.recording.key === '{keys_of(store)['yard']}'")
    until(page, "Math.abs(view.player.seconds - 4) < 0.25")
    assert page.locator(".row.chosen b").text_content() == "yard"


def test_the_later_click_wins_and_what_failed_is_asked_for_again(open_page, address, store):
    page, keys = open_page(f"{address}/1/person/1"), keys_of(store)
    shows(page, keys["gate"], 0)
    page.evaluate("() => { globalThis.asked = fetch; globalThis.fetch = () => Promise.reject(new TypeError('gone')); }")
    page.locator(".row b", has_text="yard").click()
    until(page, "document.querySelector('.player .note').textContent === 'gone'")
    # The server answers when it is let.
    page.evaluate(
        """() => {
        const released = new Promise(done => { globalThis.answer = done; });
        globalThis.fetch = (...told) => released.then(() => asked(...told));
        }"""
    )
    page.locator(".row b", has_text="yard").click()
    page.locator(".row b", has_text="gate").click()
    page.evaluate("() => { globalThis.fetch = asked; answer(); }")
    until(page, "view.player.recordings.size === 2")
    page.evaluate("view.player.facts([...view.player.recordings.keys()][1])")
    page.wait_for_timeout(60)
    assert page.evaluate("view.player.recording.key") == keys["gate"]
    page.locator(".row b", has_text="yard").click()
    shows(page, keys["yard"], 2)


def test_a_box_of_somebody_else_leads_there(open_page, address, store):
    page = open_page(f"{address}/1/person/1")
    shows(page, keys_of(store)["gate"], 0)
    page.evaluate("view.player.seek(4)")
    shows(page, keys_of(store)["gate"], 4)
    left, top, right, bottom = box(2, 41)
    place = page.evaluate(
        f"""() => {{
        const area = view.player.canvas.getBoundingClientRect(), [x, y] = view.player.scale();
        return [area.left + {(left + right) / 2} * x, area.top + {(top + bottom) / 2} * y];
        }}"""
    )
    page.mouse.click(*place)
    page.wait_for_url("**/1/person/2?*")
    assert page.locator("h1").text_content().strip().startswith(MARKUP)


def test_without_its_file_a_recording_is_its_boxes_and_the_page_says_so(open_page, address, store):
    page = open_page(f"{address}/1/person/2?day=undated")
    shows(page, keys_of(store)["night"], 0)
    assert "night.mp4 any more" in page.locator(".player .note").text_content()
    page.locator(".play").click()
    until(page, "view.player.seconds > 0.3")
    page.locator(".play").click()
    assert page.evaluate("view.player.boxesAt(view.player.seconds).length") == 1
    assert page.heard.said == []


def test_a_file_that_no_browser_plays_comes_frame_by_frame(open_page, tmp_path):
    import av

    from tests.server.drawn_store import HEIGHT, WIDTH, frames

    video = tmp_path / "gate.avi"
    with av.open(str(video), "w") as file:
        stream = file.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for frame in frames("gate"):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="bgr24")))
        file.mux(stream.encode())
    made = open_store(tmp_path / "S", create=True)
    job = Job(JobSource.of_path(video), "gate", weights=WEIGHTS, fps=float(FPS))
    with made.writer(job) as writer:
        for frame in frames("gate"):
            writer.add(frame)
    with serving(made.path) as address:
        page = open_page(f"{address}/1/tracklet/{job.key}/1")
        shows(page, job.key, 0)
        page.evaluate("view.player.seek(3)")
        until(page, "view.player.still.src.endsWith('/31.jpg') && view.player.still.complete")
        assert "frames come one by one" in page.locator(".player .note").text_content()
        value = page.evaluate(
            """([x, y]) => {
            const canvas = new OffscreenCanvas(320, 240), pen = canvas.getContext('2d');
            pen.drawImage(view.player.still, 0, 0);
            return pen.getImageData(x, y, 1, 1).data[0];
            }""",
            [box(1, 31)[0] + 20, box(1, 31)[1] + 50],
        )
        assert abs(value - grey(1, 31)) <= 12
        assert page.heard.said == []


def test_no_request_leaves_the_loopback_and_no_complaint_is_heard(open_page, address):
    for path in ("/", "/1/people?who=nobody", "/1/person/1", "/1/person/2?day=undated", "/1/people?camera=yard"):
        page = open_page(address + path)
        page.wait_for_timeout(300)
        page.keyboard.press("t")
        assert page.heard.said == [], path
        hosts = {urlsplit(one).netloc for one in page.heard.asked if not one.startswith(("data:", "blob:"))}
        assert hosts == {urlsplit(address).netloc}


def test_names_with_markup_do_nothing(open_page, address):
    for path in ("/1/people", "/1/person/2", "/1/person/1"):
        page = open_page(address + path)
        page.wait_for_timeout(200)
        assert page.title() != "bad"
        assert page.locator("main img[src=x]").count() == 0
        assert page.locator("body > script, main script").count() == 0


def test_ten_thousand_tracks_scroll(open_page, tmp_path):
    """Of one person, before two cameras: the list grows as it is scrolled, the timeline has all of them."""
    made = open_store(tmp_path / "S", create=True)
    many(made, 10_000)
    with serving(made.path) as address:
        page = open_page(f"{address}/1/person/1")
        until(page, "globalThis.view && view.timeline.bars && view.timeline.bars.first.length === 10000")
        assert page.locator(".row").count() == 60
        for wanted in (120, 180, 240):
            page.evaluate("document.querySelector('.rows').lastElementChild.scrollIntoView()")
            until(page, f"document.querySelectorAll('.row').length >= {wanted}")
        took = page.evaluate(
            """() => {
            const began = performance.now();
            for (let time = 0; time < 20; time++) view.timeline.zoom(time % 2 ? 2 : 0.5);
            return (performance.now() - began) / 20;
            }"""
        )
        print(f"the timeline is drawn in {took:.1f} ms")
        assert page.heard.said == []


def many(store, count):
    from remix_track.detections import Tracks
    from remix_track.store.people_rows import no_rows
    from remix_track.trackers.frame import TrackedFrame

    image = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (240, 320, 3))
    made = Job(JobSource("many", "many.mp4", size=1, digest="x"), "gate", start=NOON, fps=10.0)
    with store.writer(made) as writer:
        for index in range(1, count // 4 + 1):
            ids = np.arange(4 * index - 3, 4 * index + 1)
            xyxy = np.tile(np.array([[10, 10, 40, 90]], np.float32), (4, 1))
            tracks = Tracks(ids, xyxy, np.full(4, np.nan), np.zeros(4, np.int64), np.full(4, -1))
            writer.add(TrackedFrame(index, image, index / 10, tracks))
    files = PeopleFiles(store.path)
    with files.locked():
        rows = {name: np.zeros(count, column.dtype) for name, column in no_rows().items()}
        rows |= {"job": np.full(count, made.key, object), "track": np.arange(1, count + 1)}
        rows |= {"person": np.ones(count, np.int64), "given": np.ones(count, np.int64), "sure": np.ones(count, bool)}
        files.write_table(rows)
