"""Writes what the bindings know of include/rocks_gc.h: numbers, structs and functions.

Usage: generate.py          writes the files
       generate.py --check  fails if a file is not what it would write
"""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from generator import abi  # noqa: E402


def main():
    contract = abi.read()
    check = sys.argv[1:] == ["--check"]
    stale = []
    for module in sorted(Path(abi.__file__).parent.glob("emit_*.py")):
        for path, text in importlib.import_module(f"generator.{module.stem}").emit(contract).items():
            file = abi.ROOT / "bindings" / path
            if not check:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            elif not file.exists() or file.read_text() != text:
                stale.append(path)
    if stale:
        sys.exit(f"not what the header says: {', '.join(stale)}; run bindings/generate.py")


main()
