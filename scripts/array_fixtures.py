"""Write pkg/arrays/testdata: arrays as NumPy and safetensors write them.

Every array holds 0, 1, 2, ... in row-major order, so that a test can tell what
to expect. Run: python3 scripts/array_fixtures.py (needs numpy and safetensors).
"""
import pathlib

import numpy as np
from safetensors.numpy import save_file

out = pathlib.Path(__file__).parent.parent / "pkg/arrays/testdata"
names = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u4", "u2", "u1"]
a = {n: np.arange(24, dtype=n).reshape(2, 3, 4) for n in names}
a["bool"] = np.array([False, True])
safe = dict(a)
a |= {"big_" + n: v.astype(">" + n) for n, v in list(a.items()) if n in ("f8", "f4", "i2")}
a |= {"fortran_" + n: np.asfortranarray(a[n]) for n in ("f8", "i4")}
a["scalar"] = np.float64(0)
a["empty"] = np.zeros((0, 3))
a["vector"] = np.arange(5.0)
np.savez(out / "numpy.npz", **a)
np.savez_compressed(out / "compressed.npz", **a)
save_file(safe, out / "numpy.safetensors", metadata={"format": "np"})
