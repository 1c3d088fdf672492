"""Models that were trained elsewhere, imported as ONNX files: checks, measurement of the value range, and the family."""
