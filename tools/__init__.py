"""What the people who work on this repository run. Nothing in here is part of what is installed."""
