"""SQL as text: cut as PostgreSQL cuts it, and what its statements leave behind."""
