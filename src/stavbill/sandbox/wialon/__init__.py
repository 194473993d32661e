"""The emulated Wialon host: accounts, units, sessions, limits and faults, as documented.

Owns the wire's shapes (`/wialon/ajax.html`, `/avl_evts`), the strictness of the documented API and
what may go wrong on the way. Does not own the data it serves (a `Fleet` is handed over), the world
they come from, or any rule of billing. Knows nothing of the client that asks it.
"""
