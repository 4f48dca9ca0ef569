"""Training a dictionary: a sparse autoencoder on the embeddings of passages."""

from indexer.train.recipe import Recipe, recipe_for
from indexer.train.run import MIN_ROWS, train

__all__ = ["MIN_ROWS", "Recipe", "recipe_for", "train"]
