"""How often a worker says that it lives, and how long it may be silent.

Source: engine page, rule 1.
"""

HEARTBEAT_S = 5.0
DEAD_AFTER_S = 30.0
