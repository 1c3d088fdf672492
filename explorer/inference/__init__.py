"""Shared inference: the decoding engine, the decoders, and the memory budget."""
