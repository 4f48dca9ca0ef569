"""Answers to why: comparisons, why-not, counterfactuals, feedback, words."""
