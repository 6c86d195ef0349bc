"""Nothing here is a flow."""

value = 1
