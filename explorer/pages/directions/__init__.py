"""The Directions page."""
