"""The product as a user drives it: set up, run, look, against the served sandbox."""
