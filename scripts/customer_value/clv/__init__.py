"""Predicted value: the fits that SQL cannot do."""
