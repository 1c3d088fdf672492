"""Decoding for everyone: the engine, the decoders, and the memory budget."""
