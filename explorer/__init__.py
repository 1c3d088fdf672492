"""The explorer: pages, the live stage, and the pure maths below them."""
