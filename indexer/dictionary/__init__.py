"""How a collection gets its dictionary, and how good it is."""
