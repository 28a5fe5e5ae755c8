"""The functions, one a file. A serving process collects no garbage while it imports, since imports leave none."""

import gc
import os

if "FUNCTION_SOURCE" in os.environ:
    gc.disable()
