"""Orders passages by meaning, words and concepts, and chooses the names that explain the order."""
