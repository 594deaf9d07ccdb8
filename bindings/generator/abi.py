"""The contract of include/rocks_gc.h, read from abi/1.txt. tests/header.rs keeps the two equal."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "abi" / "1.txt"


@dataclass(frozen=True)
class Variable:
    """A parameter or a struct's field. `type` is C's type with single spaces, for example
    "const char*"; of a pointer to a function it is a FunctionType."""

    type: object
    name: str


@dataclass(frozen=True)
class FunctionType:
    """A callback's type."""

    result: str
    parameters: tuple


@dataclass(frozen=True)
class Function:
    """An exported function. If it can fail, its last parameter is `char** errptr`."""

    result: str
    name: str
    parameters: tuple

    @property
    def fails(self):
        return bool(self.parameters) and self.parameters[-1].name == "errptr"


@dataclass(frozen=True)
class Struct:
    name: str
    size: int
    fields: tuple


@dataclass(frozen=True)
class Abi:
    numbers: dict  # RGC_KIND_RAW -> 17
    structs: tuple  # in an order in which each struct follows those that it names
    opaque: tuple  # names of handles, for example rgc_t
    callbacks: dict  # rgc_log_fn -> FunctionType
    functions: tuple


def split_outside_parentheses(text, separator):
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def variable(text):
    callback = re.fullmatch(r"(.+?) ?\(\*(\w+)\)\((.*)\)", text)
    if callback:
        return Variable(FunctionType(callback[1], parameters(callback[3])), callback[2])
    type_, name = re.fullmatch(r"(.*?[ *])(\w+)", text).groups()
    return Variable(type_.strip().removeprefix("struct "), name)


def parameters(text):
    parts = [] if text == "void" else split_outside_parentheses(text, ",")
    return tuple(map(variable, parts))


def fields(text):
    """C allows `uint64_t files, bytes;`."""
    found = []
    for declaration in split_outside_parentheses(text, ";"):
        first, *more = split_outside_parentheses(declaration, ",")
        found.append(variable(first))
        found.extend(Variable(found[-1].type, name) for name in more)
    return tuple(found)


def read():
    """The contract."""
    numbers, sizes, bodies, opaque, callbacks, functions = {}, {}, {}, [], {}, []
    for line in SOURCE.read_text().splitlines():
        what, rest = line.split(" ", 1)
        if what == "number":
            name, value = rest.split(" ")
            numbers[name] = ord(value[1]) if value.startswith("'") else int(value)
        elif what == "size":
            name, value = rest.split(" ")
            sizes[name] = int(value)
        elif what == "function":
            match = re.fullmatch(r"(?:RGC_MUST_CHECK )?(.*?[ *])(rgc_\w+)\((.*)\);", rest)
            result = match[1].strip().removeprefix("struct ")
            functions.append(Function(result, match[2], parameters(match[3])))
        elif body := re.fullmatch(r"struct \w+ \{ (.*) \} (\w+)", rest):
            bodies[body[2]] = fields(body[1])
        elif handle := re.fullmatch(r"struct \w+ (\w+)", rest):
            opaque.append(handle[1])
        elif callback := re.fullmatch(r"(.*?) \(\*(\w+)\)\((.*)\)", rest):
            callbacks[callback[2]] = FunctionType(callback[1], parameters(callback[3]))
        else:
            raise ValueError(f"{SOURCE.name}: a line of an unknown kind: {line}")
    structs = [Struct(name, sizes[name], body) for name, body in bodies.items()]
    structs.sort(key=lambda struct: "rgc_property_t" in str(struct.fields))
    return Abi(numbers, tuple(structs), tuple(opaque), callbacks, tuple(functions))


def called(contract):
    """The functions that a binding calls, and the structs that these need."""
    lines = (ROOT / "bindings" / "left_out.txt").read_text().splitlines()
    functions = [f for f in contract.functions if f.name not in lines]
    text = str(functions)
    return functions, [s for s in contract.structs if s.name in text]


def is_bytes(field, fields):
    """Whether a field is bytes: a field with their number follows."""
    return any(other.name == f"{field.name}_len" for other in fields)
