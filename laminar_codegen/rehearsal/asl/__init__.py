"""The Amazon States Language: read, validated and interpreted, by coroutines on a clock.

One interpreter serves two drivers of time. `laminar_codegen.rehearsal.simulated` runs state machines in virtual time,
with services of Python; `laminar_codegen.rehearsal.aws` runs them for real. Nothing here knows either.

Inside: `clock` (time and processes), `definition`, `parsing` and `validation` (the language), `query_language`,
`templates` and `scopes` (data), `interpreter` (states), `tasks` (their calls), `tokens`, `execution` and `history`.
"""
