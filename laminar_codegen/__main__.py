"""``python -m laminar_codegen``: the same as ``laminar-codegen``."""

import sys

from laminar_codegen.command.entry import laminar_codegen

if __name__ == "__main__":
    sys.exit(laminar_codegen())
