import base64

import pytest

from remix_track.addresses import shown_address, usable_address, without_passwords
from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.trackers.sources import open_source
from tests.trackers.sources.test_stream import send_images, serve

SHOWN = {
    "rtsp://camera/live": "rtsp://camera/live",
    "RTSP://Camera:554/live/": "rtsp://Camera:554/live",
    "rtsp://user:hunter2@camera:554/live": "rtsp://camera:554/live",
    "rtsp://user:hun@ter2@camera/live": "rtsp://camera/live",
    "rtsp://hunter2@[::1]:8554/live": "rtsp://[::1]:8554/live",
    "rtsp://user:p#hunter2/s?s@camera/live": "rtsp://camera/live",
    "rtsp://user:hun/ter2@camera/live": "rtsp://camera/live",
    "rtsp://user:hun?ter2@camera": "rtsp://camera",
    "rtsp://user:hun@ter2/x@camera/live": "rtsp://…",
    "rtsp://user:1234/hunter2@camera/live": "rtsp://…",
    "rtsp://user:hunter2/live": "rtsp://…",
    "rtsp://user:hun ter2@camera/live": "rtsp://camera/live",
    "rtsp://user:hunter2@": "rtsp://…",
    "rtsp://user:'hunter2'@camera/live": "rtsp://camera/live",
    'rtsp://user:"x hunter2"@camera/live': "rtsp://camera/live",
    "rtsp://'hunter2'@camera/live": "rtsp://camera/live",
    "http://camera/live?user=x&password=hunter2&token=hunter2": "http://camera/live",
    "http://camera/live?password=hun@ter2": "http://camera/live",
    "http://camera/live#hunter2": "http://camera/live",
    "http://nvr/user=admin&password=hunter2&channel=1/s.sdp": "http://nvr/…/s.sdp",
    "http://nvr/user=admin_password=hunter2_channel=1_stream=0.sdp": "http://nvr/…",
    "http://host/live/user/hunter2/1234.ts": "http://host/live/…/1234.ts",
    "http://host/admin:hunter2/live": "http://host/…/live",
    "http://host/0a1b2c3dhunter2e4f5a6b7c8d/live": "http://host/…/live",
    "http://host/\x1b[31mx": "http://host/…",
    "C:\\video.mp4": "C:\\video.mp4",
}


@pytest.mark.parametrize(("address", "shown"), SHOWN.items())
def test_what_is_shown_of_an_address(address, shown):
    assert shown_address(address) == shown
    assert shown_address(shown) == shown
    assert "hunter2" not in without_passwords(f"{address}: broken, {address!r} and {address}")


def test_a_password_is_written_so_that_the_address_is_read_as_meant():
    assert usable_address("rtsp://u:p#a/s?s@h/x?y=1") == "rtsp://u:p%23a%2Fs%3Fs@h/x?y=1"
    for address in ("rtsp://u:p%23@h/x", "http://h/a@b?c=d@e", "rtsp://u:1/2@h"):
        assert usable_address(address) == address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp:/u:hunter2@h/x: no such file", "rtsp://h/x: no such file"),
        ("RTSP:/u:hunter2@h/x: no such file", "rtsp://h/x: no such file"),
        ("other:/u:hunter2@h/x: no such file", "other://h/x: no such file"),
        ("other:/u@h/x and 'rtsp://h/x' of a@b", "other:/u@h/x and 'rtsp://h/x' of a@b"),
        ("unknown: rtsp://u:hun ter2@h/x --flag", "unknown: rtsp://… --flag"),
        ("'http://u:hunter2@h/x', http://v/1.", "'http://h/x', http://v/1."),
        ("see https://github.com/a/b or mail a@b", "see https://github.com/a/b or mail a@b"),
        ("footage:/data/a@b", "footage:/data/a@b"),
        ("file:///home/a@b", "file:///home/a@b"),
    ],
)
def test_addresses_within_messages(text, shown):
    assert without_passwords(text) == shown


@pytest.mark.parametrize("address", [one for one in SHOWN if "://" in one and "camera" in one])
def test_no_error_of_a_stream_tells_a_password(address, monkeypatch):
    import av

    def refuse(url, *_, **__):
        raise av.error.ConnectionRefusedError(111, "Connection refused", url)

    monkeypatch.setattr("av.open", refuse)
    with pytest.raises(InputError) as raised:
        open_source(address)
    assert "hunter2" not in str(raised.value)
    assert "ter2" not in str(raised.value)


def test_no_file_of_a_run_holds_a_password_and_the_server_gets_it_whole(tmp_path, capfd):
    """The whole command, at a server that asks for the password: what it leaves on disk and says names none of it."""
    given = []

    def answer(handler, _):
        given.append(handler.headers.get("Authorization"))
        if given[-1] is None:
            handler.send_response(401)
            handler.send_header("WWW-Authenticate", 'Basic realm="camera"')
            handler.end_headers()
        else:
            send_images(handler, range(1, 6))

    (tmp_path / "det.txt").write_text("".join(f"{frame},-1,20,20,40,60,0.9\n" for frame in range(1, 6)))
    with serve(answer) as (url, _):
        port = url.rpartition(":")[2]
        address = f"http://user:p#hunter2/s?s@127.0.0.1:{port}/key=hunter2/live?user=x&password=hunter2&token=hunter2"
        words = ["--detector", tmp_path / "det.txt", "--weights", "none", "--no-camera-motion", "--fps", "5"]
        words += ["--frames", "4", "--output", tmp_path / "out", "--overwrite"]
        assert main([address, *map(str, words)]) == 0
        assert main([*map(str, words), "--sources", address]) == 2
        assert main([*map(str, words), f"{address}@x"]) == 2
    assert base64.b64decode(given[-1].removeprefix("Basic ")) == b"user:p#hunter2/s?s"
    said = "".join(capfd.readouterr())
    assert f"http://127.0.0.1:{port}/…/live" in said
    names = [str(path) for path in tmp_path.rglob("*")]
    contents = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert any("summary.json" in name for name in names)
    assert not [text for text in (said, *names, *contents) if "hunter2" in text]
