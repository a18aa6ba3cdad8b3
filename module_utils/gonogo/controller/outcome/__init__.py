"""What became of a migration: applied, rehearsed, interrupted, taken back."""
