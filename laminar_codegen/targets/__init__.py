"""The targets, which run the layers of a deployed flow: one folder for each kind of target.

A kind of target is one `TargetKind` in `laminar_codegen.targets.registry`. The passes ask the registry, and no pass
knows a kind by name.
"""
