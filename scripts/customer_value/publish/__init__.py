"""Published versions: what may be published, and how each engine shows it to readers."""
