"""The Time page."""
