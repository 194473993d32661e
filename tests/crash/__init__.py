"""Real processes that are killed, paused, cut off; the portal ends as if nothing was."""
