"""Named cases: one company, or a few, for each rule and edge, with the answer written by hand.

Owns fixed low company ids that never move; new cases are added at the end of their file's list.
Does not decide anything: the answers come from the rules' text, not from `expect`.
"""
