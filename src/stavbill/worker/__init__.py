"""The worker's process: schedules, posts from the inbox, heartbeat and takeover, until it is told.

Owns nothing that outlives it: every decision when something begins stands in the store, everything
that was begun in the engine's database.
"""
