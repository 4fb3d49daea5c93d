"""Raw tables: what is loaded into them, from where, and onto which engine."""
