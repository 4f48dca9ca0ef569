"""Labels by hand: written, taken away, in files."""
