"""What must change outside so that a decision is true there: pure, like `billing`.

Owns: the standing of one company (what is already true), effects as wanted states with keys, the
difference between the two, the gate against last month, the must-never list, and the Russian
sentences that data becomes. Does not own: how an effect is made to happen once (`journal`), how a
portal is asked (`bitrix`), what is decided (`billing`).
"""
