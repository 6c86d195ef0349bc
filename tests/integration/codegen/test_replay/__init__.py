"""The replay beside the embedded AWS."""
