"""The replay of state machines in virtual time."""
