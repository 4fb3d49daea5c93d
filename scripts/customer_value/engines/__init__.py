"""Postgres and Spark themselves: throw-away servers, and SQL on Spark."""
