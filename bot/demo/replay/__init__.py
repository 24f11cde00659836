"""A model server that needs no key: it plays planner, worker, resolver and judge by replaying a known change."""
