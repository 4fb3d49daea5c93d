"""Personal data: keys of guests, erased persons, and where a person is mentioned."""
