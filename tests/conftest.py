"""Most of the suite's time goes into XLA: here its older code generator does, in half of that."""

import os
from importlib.metadata import version

if version("tensorflow").startswith("2.21."):  # XLA ends the process at a flag it does not know
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_use_fusion_emitters=false".strip()
