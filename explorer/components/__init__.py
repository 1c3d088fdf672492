"""Streamlit components: Python wrappers of the front-end bundles."""
