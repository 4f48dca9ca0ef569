"""Python's own documentation."""
