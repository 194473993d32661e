"""Invoices as documents: what the page shows, whether it may be printed, and the files themselves.

Owns: the printed invoice as a record, checks of requisites, the payment code, amounts in words,
templates, rendering over all cores, annexes. Does not own: where requisites are read (`bitrix`),
which document an invoice gets and when (`operations`), how it reaches the customer (`delivery`).

Nothing here asks the network or reads a file that the settings do not name.
"""
