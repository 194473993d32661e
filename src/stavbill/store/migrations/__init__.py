"""The database's versions, for Alembic.

Owns: how a database of one version becomes the next, rows kept. Does not own: what the newest
version looks like (`store.tables`), when migrations run (`store.schema`).
"""
