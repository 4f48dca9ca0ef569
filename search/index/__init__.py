"""Holds a generation as it is stored and as a search has it in memory."""
