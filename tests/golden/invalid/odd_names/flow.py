from laminar_runtime import Flow, Layer

Odd = type("a'b${x}", (Flow,), {})
Odd.register(type("{% 1 %}", (Layer,), {"__call__": lambda self: None}))
Odd.register(type("", (Layer,), {"__call__": lambda self: None}))

Odd()
