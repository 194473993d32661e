"""Reading the portal in bulk: page by page, by the chain of ids, in flat memory.

Owns: which rows are asked for, and their translation into records. Does not own: where records are
kept (`store`), single questions about a write (`bitrix.write`).
"""
