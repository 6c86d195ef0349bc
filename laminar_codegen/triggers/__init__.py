"""The triggers, which start a deployed flow without a caller: one module for each kind of trigger.

A kind of trigger is one `TriggerKind` in `laminar_codegen.triggers.registry`. The passes ask the registry, and no pass
knows a kind by name.
"""
