"""What a person sees and does: pages, the live stage, and the pure maths below them."""
