"""Judgements: given, kept, written as files and read from them."""
