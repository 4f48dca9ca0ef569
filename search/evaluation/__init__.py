"""Evaluation: how good searches are by judgements, and which questions got better or worse."""
