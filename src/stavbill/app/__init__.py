"""Builds the running system from settings: the one place where concrete parts meet.

Owns: which gateway, store, limiter, journal and executors stand behind an operation; setting up a
new installation; the doctor. Does not own: what is done with the parts (`operations`).
"""
