"""llama.cpp as node-llama-cpp brings it: the program that runs files, and the library that quantises."""

import ctypes
import json
import os
import pathlib
import subprocess
import sys

PACKAGES = {"node-llama-cpp": "3.22.1", "@node-llama-cpp/linux-x64": "3.22.1"}


def modules(work):
    """The folder of the packages, installed if needed: no scripts are run, and no other binaries come along."""
    folder = work / "node"
    if not (folder / "node_modules" / "node-llama-cpp").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        packages = [f"{name}@{version}" for name, version in PACKAGES.items()]
        options = ["--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(["npm", "install", *options, *packages], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "node_modules"


class LlamaCpp:
    """The program and the library."""

    def __init__(self, work):
        self.work, self.modules = work, modules(work)
        self.libraries = (self.modules / "@node-llama-cpp" / "linux-x64" / "bins" / "linux-x64").absolute()
        self.base = ctypes.CDLL(str(self.libraries / "libggml-base.so"))

    def run(self, model, prompt, count, texts, rows):
        """Tokens of texts and `count` greedy tokens after a prompt, with their text; logits of rows of tokens."""
        import numpy

        logits, job = self.work / "logits.bin", self.work / "job.json"
        asked = {"model": str(model.absolute()), "threads": 1, "prompt": prompt, "count": count, "texts": texts}
        job.write_text(json.dumps({**asked, "rows": rows, "logits": str(logits.absolute())}))
        script = pathlib.Path(__file__).with_name("llama_cpp.mjs")
        answer = subprocess.run(["node", script, self.modules, job], check=True, stdout=subprocess.PIPE, text=True).stdout
        values = numpy.fromfile(logits, numpy.float32).reshape(sum(map(len, rows)), -1)
        return json.loads(answer.strip().splitlines()[-1]), values

    def quantize(self, values, kind):
        """The values that llama.cpp's quantiser of a type makes of a matrix."""
        import gguf
        import numpy

        out = numpy.empty(gguf.quants.quant_shape_to_byte_shape(values.shape, kind), numpy.uint8)
        function, pointer, count = self.base.ggml_quantize_chunk, ctypes.c_void_p, ctypes.c_int64
        function.restype, function.argtypes = ctypes.c_size_t, [ctypes.c_int, pointer, pointer, *[count] * 3, pointer]
        values = numpy.ascontiguousarray(values, numpy.float32)
        function(int(kind), values.ctypes.data, out.ctypes.data, 0, *values.shape, None)
        if kind.name in ("F32", "F16"):
            out = out.view(numpy.float32 if kind.name == "F32" else numpy.float16)
        return gguf.quants.dequantize(out, kind)

    def quantize_file(self, source, types, target):
        """A file as `llama-quantize --tensor-type-file` makes it of another."""
        script = pathlib.Path(__file__).with_name("llama_quantize.py")
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.libraries)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([sys.executable, script, self.libraries, source, types, target], check=True, env=environment, **quiet)
