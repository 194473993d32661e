"""Durable workflows: what the engine carries over crashes, and who takes over from whom.

Owns the shapes of workflows, their ids, takeover and schedules. Does not own what a step does
(`operations`), nor that a write happens once (`journal`): steps are repeated, and they bear it.
"""
