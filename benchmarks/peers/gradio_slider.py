"""A slider and a picture in Gradio, on `input`: while a picture is computed, only the newest value waits.

python -m benchmarks.peers.gradio_slider PORT
"""

from __future__ import annotations

import sys

import gradio as gr

from benchmarks.peers.picture import START, STEP, picture, text


def show(t: float) -> gr.Image:
    """The picture at a slider value; its `alt` text gives the value."""
    return gr.Image(value=picture(t), alt_text=text(t))


def main() -> None:
    """Serves the page."""
    with gr.Blocks() as page:
        slider = gr.Slider(0.0, 1.0, START, step=STEP, label="Walk")
        image = gr.Image(picture(START), image_mode="RGB", type="numpy", format="png", height=256, width=256)
        slider.input(
            show, slider, image, show_progress="hidden", trigger_mode="always_last", concurrency_limit=1
        )
    page.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True, ssr_mode=False)


if __name__ == "__main__":
    main()
