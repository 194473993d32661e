"""Everything that stavbill remembers, in SQLite or PostgreSQL.

Owns: tables, migrations, and small query functions over them. Does not own: what the rows mean for
money (`billing`), when an effect may be sent (`journal`).
"""
