"""Reads a WebAssembly module's sections, imports and exports (core specification 2.0, chapter 5). Nothing of its code."""

from dataclasses import dataclass, field
from pathlib import Path

KINDS = ("func", "table", "memory", "global")
CUSTOM, IMPORT, EXPORT = 0, 2, 7


@dataclass
class Module:
    """What the module asks of its host and offers it."""

    imports: list[tuple[str, str, str]] = field(default_factory=list)  # kind, module, name
    exports: list[tuple[str, str]] = field(default_factory=list)       # kind, name
    sections: dict[str, int] = field(default_factory=dict)             # bytes by id, custom ones by name

    @classmethod
    def read(cls, path: Path) -> "Module":
        """Reads a module; raises ValueError where it is none."""
        reader = _Reader(path.read_bytes())
        if reader.take(8) != b"\0asm\x01\0\0\0":
            raise ValueError(f"{path.name} is no WebAssembly module of version 1")
        module = cls()
        while not reader.is_at_end():
            identifier = reader.take(1)[0]
            section = _Reader(reader.take(reader.number()))
            length = len(section.content)
            name = f"custom {section.name()}" if identifier == CUSTOM else str(identifier)
            module.sections[name] = module.sections.get(name, 0) + length
            if identifier == IMPORT:
                module.imports = [section.import_() for _ in range(section.number())]
            elif identifier == EXPORT:
                module.exports = [section.export() for _ in range(section.number())]
            else:
                continue
            if not section.is_at_end():
                raise ValueError(f"section {identifier} of {path.name} holds more than its entries")
        return module


class _Reader:
    def __init__(self, content: bytes):
        self.content = content
        self.at = 0

    def is_at_end(self) -> bool:
        return self.at == len(self.content)

    def take(self, count: int) -> bytes:
        taken = self.content[self.at:self.at + count]
        if len(taken) != count:
            raise ValueError("the module ends too early")
        self.at += count
        return taken

    def number(self) -> int:
        """An unsigned LEB128."""
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def name(self) -> str:
        return self.take(self.number()).decode()

    def import_(self) -> tuple[str, str, str]:
        module, name, kind = self.name(), self.name(), self.take(1)[0]
        self._skip_type(kind)
        return KINDS[kind], module, name

    def export(self) -> tuple[str, str]:
        name, kind = self.name(), self.take(1)[0]
        self.number()
        return KINDS[kind], name

    def _skip_type(self, kind: int) -> None:
        if kind == 0:                       # an index of a function type
            self.number()
        elif kind == 3:                     # a value type and whether it may change
            self.take(2)
        else:
            if kind == 1:                   # a table: the type of its elements
                self.take(1)
            bounded = self.take(1)[0] & 1   # limits: a minimum and perhaps a maximum
            for _ in range(1 + bounded):
                self.number()
