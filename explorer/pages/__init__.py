"""The pages: one file a page, and the parts that they share. Streamlit stands only here and in components/."""
