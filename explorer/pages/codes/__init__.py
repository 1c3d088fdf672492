"""The Codes page."""
