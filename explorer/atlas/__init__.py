"""An encoded collection: building it, storing it, and its UMAP maps."""
