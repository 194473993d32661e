"""The emulated outside world: a Bitrix24 portal and Wialon hosts on loopback, strict as documented.

Owns: their state, their limits and their faults. Shares no line with the rest of stavbill, so that
one misunderstanding cannot stand on both sides.
"""
