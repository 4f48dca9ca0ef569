"""Lists to look through: collections, features, documents, concepts."""
