"""One file for each thing a user asks for: month, rerun, explain, check, discover, doctor.

Owns: the order of steps. Does not own: rules (`billing`, `plan`), requests (adapters).
"""
