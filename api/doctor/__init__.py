"""Looks at a set-up as a whole, and says of each thing how it is and what to do."""
