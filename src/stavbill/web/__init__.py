"""What comes in by HTTP: posts of Bitrix24 and of other programs, health, metrics.

Owns shapes on the wire, authentication and answers. Does nothing that is asked for: a post is
stored, answered, and dealt with by a worker.
"""
