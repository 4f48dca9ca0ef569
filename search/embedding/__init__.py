"""From texts to vectors: passages, the model, questions, words."""
