"""stavbill bills the month of a telematics integrator on Bitrix24 and Wialon.

The rooms and who may import whom are drawn in `docs/architecture.md`; the rules of money live in
`stavbill.billing` and nowhere else.
"""
