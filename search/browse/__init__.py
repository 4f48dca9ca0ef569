"""Lists what there is to look through: collections, features, documents, concepts."""
