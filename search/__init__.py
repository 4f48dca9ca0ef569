"""Holds the query side of Refract, and the nouns that every other package shares."""
