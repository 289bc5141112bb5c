import pytest

from remix_track.addresses import shown_address, usable_address, without_passwords
from remix_track.errors import InputError
from remix_track.trackers.sources import open_source

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
