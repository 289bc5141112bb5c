"""Video files."""

from collections.abc import Generator
from pathlib import Path

from remix_track.errors import InputError
from remix_track.trackers.sources.decoding import Decoder
from remix_track.trackers.sources.joined import Part, recordings_in
from remix_track.trackers.sources.source import Damage, Facts, Picture, Selection, folder_name

_LONG_PAUSE = 8  # frame lengths; recordings of variable rate leave out two or three


class VideoReader:
    """A video file, through FFmpeg: what decodes is delivered, what does not is noted with its frame number."""

    def __init__(
        self, path: Path, *, name: str | None = None, fps: float | None = None, width: int | None = None
    ) -> None:
        """Open the file.

        Args:
            path: the file.
            name: a name that is better than the file's.
            fps: a frame rate that is better than the header's; frame times follow it.
            width: of the images that boxes beside the video count on, see `Decoder`.

        Raises:
            InputError: not a regular file, not readable, or not a video.
        """
        self._path, self._fps, self._width = path, fps, width
        self.damage = Damage()
        self.seen = 0
        if not path.is_file():
            raise InputError(f"{path}: not a file; give a video file, a folder of images, or a URL")
        try:
            self._parts = recordings_in(path)
        except OSError as error:
            raise InputError(f"{path}: cannot be opened ({error.strerror})") from None
        self._part = self._parts[0]
        self._before, self._began, self._latest = 0, 0.0, 0.0  # frames and seconds before this part; the last frame's
        self._decoder = self._open(threads=True)
        self.facts = Facts(
            name or folder_name(path.stem),
            str(path),
            fps=fps or self._decoder.fps,
            frames=self._decoder.expected_frames if len(self._parts) == 1 else None,
            warnings=self._decoder.doubts,
        )
        if len(self._parts) > 1:
            joined = f"{path}: {len(self._parts)} recordings end to end; they are one video here, without a gap in time"
            self.facts.warnings += (joined,)

    def _open(self, *, threads: bool) -> Decoder:
        import av

        # Named with its protocol, a file may be called `12:30.mp4`; and it cannot make FFmpeg open addresses.
        address, allowed = f"file:{self._path}", "file"
        if len(self._parts) > 1:
            address, allowed = f"subfile,,start,{self._part.start},end,{self._part.end},,:{address}", "file,subfile"
        options = {"protocol_whitelist": allowed}
        try:
            return Decoder(
                address,
                str(self._path),
                self.damage,
                options=options,
                threads=threads,
                number=self._before,
                width=self._width,
            )
        except av.FFmpegError as error:
            raise InputError(f"{self._path}: cannot be opened ({error.strerror})") from None

    def read(self, selection: Selection) -> Generator[Picture, None, None]:
        """The wanted images, in order."""
        yield from self._recording(selection)
        for part in self._parts[1:]:
            if selection.is_past(self.seen + 1) or not self._go_on_with(part):
                return
            yield from self._recording(selection)

    def _go_on_with(self, part: Part) -> bool:
        self._began = self._latest + self._decoder.frame_length
        self._part, self._before = part, self.seen
        self._decoder.close()
        try:
            self._decoder = self._open(threads=True)
        except InputError as error:
            self.damage.note(f"the recording behind frame {self.seen}: {error}")
            return False
        return True

    def _recording(self, selection: Selection) -> Generator[Picture, None, None]:
        yield from self._pass(selection)
        if self._decoder.held_back:
            self._decoder.close()
            self._decoder = self._open(threads=False)
            yield from self._pass(selection)
        complete = self._decoder.complete and not _is_cut_gif(self._path)
        if not complete and not selection.is_past(self.seen + 1):
            self._note_early_end()
        self._warn_of_joins()
        self._warn_of_pause()

    def _pass(self, selection: Selection) -> Generator[Picture, None, None]:
        decoder = self._decoder
        for number, seconds, frame, _ in decoder.pictures(after=self.seen):
            self.seen = number
            if selection.is_past(number):
                return
            seconds = None if seconds is None else self._began + seconds
            self._latest = self._latest + decoder.frame_length if seconds is None else seconds
            if selection.wants(number):
                yield Picture(number, decoder.to_bgr(frame), None if self._fps else seconds)
        if not decoder.held_back:
            self.seen = decoder.number

    def _note_early_end(self) -> None:
        decoder = self._decoder
        promised = f" of {self._before + decoder.expected_frames}" if decoder.expected_frames else ""
        why = decoder.failure or "the file is cut off or damaged"
        self.damage.note(f"the file ends after frame {self.seen}{promised}: {why}")

    def _warn_of_joins(self) -> None:
        clock = self._decoder.clock
        self.facts.warnings += tuple(f"{self._path}: {note}" for note in clock.notes)
        if clock.joins > len(clock.notes):
            self.facts.warnings += (f"{self._path}: {clock.joins} times in all another recording begins in it",)

    def _warn_of_pause(self) -> None:
        frame, seconds = self._decoder.longest_pause
        lengths = seconds / self._decoder.frame_length
        if lengths >= _LONG_PAUSE and not self.damage.lines:
            self.facts.warnings += (
                f"{self._path}: no image for {seconds:.2f} s ({lengths:.0f} frame lengths) after frame {frame}:"
                " a pause in the recording, or damage",
            )

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()


def _is_cut_gif(path: Path) -> bool:
    """Whether a GIF lacks its last byte; nothing else in it says how many images there are (GIF89a, 27)."""
    with path.open("rb") as file:
        if not file.read(6).startswith((b"GIF87a", b"GIF89a")):
            return False
        file.seek(max(path.stat().st_size - 64, 0))
        return not file.read().rstrip(b"\0").endswith(b";")
