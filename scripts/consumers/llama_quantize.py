"""What `llama-quantize --tensor-type-file` does, by the library that it is made of.

    llama_quantize.py LIBRARIES IN.gguf TYPES.txt OUT.gguf

npm's packages have the library (llama.cpp 0.5.0) and not the program. The structures are those of its llama.h; the file is read
as tools/quantize/quantize.cpp reads it. The base type is q8_0, so a tensor that no line names becomes that."""

import ctypes
import pathlib
import sys

import gguf

Q8_0_FILE, NO_TYPE = 7, 42


class Override(ctypes.Structure):
    """`llama_model_tensor_override`."""

    _fields_ = [("pattern", ctypes.c_char_p), ("type", ctypes.c_int)]


class Parameters(ctypes.Structure):
    """`llama_model_quantize_params`."""

    _fields_ = [
        ("nthread", ctypes.c_int32), ("ftype", ctypes.c_int), ("output_type", ctypes.c_int), ("table_type", ctypes.c_int),
        *[(name, ctypes.c_bool) for name in ("requantize", "output", "copy", "pure", "keep_split", "dry_run")],
        ("imatrix", ctypes.c_void_p), ("kv_overrides", ctypes.c_void_p), ("overrides", ctypes.POINTER(Override)),
        ("prune", ctypes.c_void_p), ("max_buffer", ctypes.c_size_t),
    ]  # fmt: skip


def main():
    """Quantises a file."""
    libraries, source, types, target = sys.argv[1:]
    library = ctypes.CDLL(str(next(pathlib.Path(libraries).glob("libllama.v*.so"))))
    library.llama_model_quantize_default_params.restype = Parameters
    library.llama_model_quantize.restype = ctypes.c_uint32
    lines = [line.rsplit("=", 1) for line in pathlib.Path(types).read_text().split()]
    kinds = [Override(pattern.lower().encode(), gguf.GGMLQuantizationType[kind.upper()]) for pattern, kind in lines]
    parameters = library.llama_model_quantize_default_params()
    parameters.overrides = (Override * (len(kinds) + 1))(*kinds, Override(None, NO_TYPE))
    parameters.ftype, parameters.requantize, parameters.nthread = Q8_0_FILE, True, 1
    sys.exit(library.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(parameters)))


if __name__ == "__main__":
    main()
