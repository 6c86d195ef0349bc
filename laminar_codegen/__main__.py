"""``python -m laminar_codegen``: the same as ``laminar-codegen``."""

import sys

from laminar_codegen.command.main import main

if __name__ == "__main__":
    sys.exit(main())
