"""An invoice's way to the customer: letters, channels, signed links, and what became of each.

Owns: how a letter looks, how a mail server and a WhatsApp provider are spoken to, what their
answers, notices and callbacks mean, the order of statuses. Does not own: which invoice is due and
to whom (`operations`), rows on disk (`store`), the document itself (`documents`), the portal.

A channel hands over one message and repeats nothing. Whether it may still do so it asks right
before the last byte (`answers.LastLook`).
"""
