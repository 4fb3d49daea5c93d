"""What the commands in scripts/ call. A command runs with scripts/ on its path, so nothing has to be installed."""
