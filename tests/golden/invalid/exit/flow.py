import sys

sys.exit("not without arguments")
