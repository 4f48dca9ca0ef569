"""How the general lexicon is made, with the lists of words that it is made with."""
