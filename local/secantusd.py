"""Every patch of a library in a server that runs on one machine: SecantusDB, its garbage collector set.

SecantusDB is written in Python and keeps much in memory, which the collector walks through at each collection: with
the thresholds of Python 3.11 a tenth of its processor time. Run as `python -P secantusd.py SECANTUSD-PY OPTION…`.
"""

import gc
import runpy
import sys

VERSION = "0.7.0b3"  # for which the figure above was measured

if __name__ == "__main__":
    gc.set_threshold(50_000, 20, 100)
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
