"""A generated shop whose truth is known."""
