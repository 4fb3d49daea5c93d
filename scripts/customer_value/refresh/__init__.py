"""A refresh and a rollback: their steps, their lock, their records."""
