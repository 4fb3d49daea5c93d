"""The arrival guard: judges raw tables before anything is built of them."""
