"""Short films for the tests of archives: cheap ones with public detections, and streets in which people walk."""

from pathlib import Path

import av
import numpy as np

from remix_track.store.archive import track_archive
from remix_track.synthetic.scenes import StreetScene
from remix_track.trackers.association.settings import DeepSortSettings
from remix_track.trackers.settings import AppearanceSettings, DetectorSettings, TrackSettings


def write_video(path: Path, images, fps: int = 10, gop: int = 12) -> Path:
    """A video of these images (H, W, 3)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"g": str(gop), "preset": "ultrafast"})
        for image in images:
            if not stream.width or stream.width != image.shape[1]:
                stream.height, stream.width = image.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def write_clips(folder: Path, count: int, frames: int = 12, shape: tuple[int, int] = (48, 64)) -> list[Path]:
    """Films of a bright square in noise, each another one, and `det.txt` with a person in it for all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    rows = [
        f"{k},-1,{4 + k},8,12,24,0.9,-1,-1,-1\n{k},-1,40,{6 + k},10,20,0.8,-1,-1,-1\n" for k in range(1, frames + 1)
    ]
    (folder / "det.txt").write_text("".join(rows))
    noise = rng.integers(0, 60, (count, *shape, 3), np.uint8)
    paths = []
    for number in range(count):
        images = [noise[number].copy() for _ in range(frames)]
        for k, image in enumerate(images, 1):
            image[8:32, 4 + k : 16 + k] = 200
        paths.append(write_video(folder / f"clip-{number:03d}.mp4", images))
    return paths


def write_street(path: Path, frames: int = 40, seed: int = 0, size: tuple[int, int] = (640, 360)) -> Path:
    """A drawn street in which HOG finds people."""
    scene = StreetScene(seed, frames=frames, fps=10, width=size[0], height=size[1])
    return write_video(path, [scene.render(number) for number in range(1, frames + 1)])


def cheap(folder: Path) -> TrackSettings:
    """Settings for the clips in a folder: nothing is computed by networks."""
    return TrackSettings(
        detector=DetectorSettings(detector=str(folder / "det.txt")), appearance=AppearanceSettings(weights="none")
    )


def hog(**changes) -> TrackSettings:
    """Settings for streets: HOG, and the default network."""
    return TrackSettings(detector=DetectorSettings(detector="hog"), tracker=DeepSortSettings(**changes))


def jobs_of(store: Path) -> dict[str, bytes]:
    """Every file of every job."""
    folder = store / "jobs"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


__all__ = ["cheap", "hog", "jobs_of", "track_archive", "write_clips", "write_street", "write_video"]
