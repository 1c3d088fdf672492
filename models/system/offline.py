"""Disables the telemetry of other libraries; importing `models` does so for every entry point.

Child processes inherit it. It must run before ONNX Runtime is imported, which otherwise writes a device id to
~/.cache/Microsoft and resolves a telemetry host.
"""

from __future__ import annotations

import os

__all__ = ["SWITCHES"]

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "RAY_USAGE_STATS_ENABLED": "0",
}

os.environ.update(SWITCHES)
