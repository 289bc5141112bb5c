"""A page on which a video is dropped and comes back tracked (`pip install gradio`).

python examples/gradio_app.py
"""

import tempfile
from pathlib import Path

import gradio

import remix_track


def tracked(video: str) -> tuple[str, str]:
    """The annotated video, and how many people are in it."""
    folder = Path(tempfile.mkdtemp(), "run")
    summary = remix_track.track(video).record(folder)
    return str(folder / "video.mp4"), f"{summary['tracks']} people in {summary['frames']} frames"


app = gradio.Interface(tracked, gradio.Video(), [gradio.Video(), gradio.Textbox()], title="remix-track")
if __name__ == "__main__":
    app.launch()
