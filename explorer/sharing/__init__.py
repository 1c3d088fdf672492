"""Sharing: recipes, rendered pictures, reports, session archives, exports."""
