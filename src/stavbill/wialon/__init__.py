"""Wialon hosts, translated: sessions, accounts and units into observations.

Owns: login and session renewal, bulk reading with completeness checks, what active and conserved
mean on the wire. Does not own: what a count means for an invoice (`billing.count`).
"""
