"""Hostile files, at a small size: refused, or read, in bounded memory and time."""
