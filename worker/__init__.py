"""One agent at work: briefs in, handoffs out. Knows nothing of GitHub or of trees."""
