"""The emulated mail world on loopback: an SMTP server, its mailboxes, delivery reports, a page.

Owns: what was received (`letters`), what may go wrong (`faults`), the server's answers (`server`),
delivery status notifications (`reports`), a read-only IMAP door to the senders' mailboxes (`imap`),
the page that people look at (`page`, `web`). Does not own what is sent, nor to whom.
"""
