"""Filling the emulated hosts with the invented world, through the hosts' own seeding.

Owns the translation of the world's records into what a portal and a Wialon service hold. Does not
own either side's shapes, and decides nothing.
"""
