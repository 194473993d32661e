"""Wialon hosts, translated: sessions, accounts and units into records.

Owns: login and session renewal, bulk reading with completeness checks, what active and conserved
mean on the wire. Does not own: what a count means for an invoice (`billing.count`), where records
are kept, whose account is whose customer's.
"""
