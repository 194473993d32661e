"""One file for each version of the database, each naming the one before it.

Owns: the steps. Does not own: the tables that they lead to (`store.tables`). Never changed once
released: the next step is a new file.
"""
