"""Widgets and helpers that several pages share: pickers, links, navigation, downloads, charts."""
