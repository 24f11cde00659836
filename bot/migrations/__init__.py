"""The history of our tables. A change of `bot.store.tables` is a new file in `versions/`."""
