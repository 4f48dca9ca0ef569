"""Holds the dictionary: names, labels, families, concepts, and the mathematics of steering and
attribution."""
