"""How well an encoder finds people again: ranks, re-ranking, and pictures of both."""
