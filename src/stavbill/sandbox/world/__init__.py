"""The invented world: companies, contracts, accounts and units, the same for the same seed.

Owns the data that the emulated portal and the emulated Wialon hosts are filled with, the named
scenarios, and an independent reading of the billing rules that says what a run must do with each
company. Does not own any wire shape, and shares no line with the product whose run is judged.
"""
