"""The compiled flow, run here: on an embedded AWS, with every job a process of this machine."""
