"""What leaves the program: recipes, rendered pictures, reports, session archives, exports."""
