"""Answers why: comparisons, why-not, counterfactuals, feedback, words."""
