"""Random flows of the whole feature set, run locally and as compiled state machines.

`spec` says what a flow is, as plain values; `drawing` draws one; `source` writes it as a flow's file, from which both
runs take it: `local` by the local scheduler, `deployed` by an interpreter of its state machine. `outcomes` compares.
"""
