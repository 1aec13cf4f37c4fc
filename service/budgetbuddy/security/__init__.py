"""Passwords, tokens, limits and the envelope around personal text."""
