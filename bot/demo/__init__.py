"""The demo: a model that replays a change, a sample project, a scripted person, and the commands that use them."""
