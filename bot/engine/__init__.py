"""The durable loop: deliver an event, step its aggregate, save it with outbox and wake-ups, do what was asked for."""
