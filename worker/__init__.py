"""One agent at work in a sandbox. Knows nothing of GitHub or of trees."""
