"""The order of passages by meaning, words and concepts, and the names that explain it."""
