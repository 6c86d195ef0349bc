"""State machines beside those of the flows: events of EventBridge start them."""
