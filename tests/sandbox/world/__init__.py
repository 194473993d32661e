"""The invented world: the same for the same seed, complete, and judged twice."""
