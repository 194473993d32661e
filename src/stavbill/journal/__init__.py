"""An effect happens once: intent, claim, send, settle.

Owns: the order of effects, the claim before a send, the quiet time after a lost answer, the
question to the portal before a repeat, the read-back, the kill switch. Does not own: what an
effect is (`plan`), how a portal is spoken to (adapters come here as `Executor`s), rows on disk
(`store`). The only place of the project that repeats a write.

`journal.Journal` is the front. Whoever puts writes on the wire asks `fence.may_send` right before
it does, after every wait: that is the last look at the claim and the kill switch.
"""
