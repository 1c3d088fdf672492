"""Embeddings: vectors of items that were computed elsewhere, with pictures and labels or without."""
