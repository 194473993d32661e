"""The effects made to happen in the portal: one small module for each kind.

Owns: which commands an effect becomes, how its object is found again, how it is read back. Each
executor has the journal's three verbs (find, send, read back) without knowing the journal. Does
not own: whether and when anything is sent again (`journal`), or what is wanted (`plan`).
"""
