"""Whole nights in one process on virtual time, every fault drawn from a seed."""
