"""Who owes what, and why: the pure core.

Owns: money, periods, the tariff grammar, the choice of the issuer, the count check, lines, credits
and the decision with its explanation as data. Does not own: what the portal holds already and how
it is changed (`plan`), Russian sentences about decisions (`plan.texts`), anything that reads a
clock, a file or a network. The same facts give the same decision, to the kopeck.
"""
