"""Streamlit components: Python wrappers around front ends of their own."""
