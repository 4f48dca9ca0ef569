"""A generation as it is stored and as a search holds it in memory."""
