"""stavbill bills the month of a telematics integrator: Bitrix24 companies, Wialon units, one right invoice.

The rooms and who may import whom are drawn in `docs/architecture.md`; the rules of money live in
`stavbill.billing` and nowhere else.
"""
