"""The part of YAML in which ASlib scenarios are described."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ESCAPES = {"n": "\n", "t": "\t"}
_QUOTED = r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\""""
_KEY = re.compile(rf"(?P<key>{_QUOTED}|[^\s'\"\[\]{{}}#&*].*?)\s*:(?:\s+(?P<rest>.*))?$")
_WHOLE = re.compile(rf"(?P<quoted>{_QUOTED})\s*(?:#.*)?$")
_TOKEN = re.compile(
    rf"\s*(?P<token>{_QUOTED}|[\[\]{{}},]|:(?=\s)|(?:[^\[\]{{}},:'\"\s#]|:(?!\s))(?:[^\[\]{{}},:]|:(?!\s))*)"
)


def read_description(path: Path) -> dict[str, Any]:
    """Read a scenario's description.

    Block and flow collections, quotes, comments, anchors and values over several lines are understood; tags, merge
    keys and several documents are not.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        Values are text, just as written, or lists and dicts of them; an empty value is an empty text.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it can't be understood: which line.
    """
    try:
        return _Parser(path).description()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is no text in UTF-8 ({error}); is it a scenario's description?") from error


class _Parser:
    """Reads block by block, always the lines from `at` on; a block are lines with the same indentation."""

    def __init__(self, path: Path):
        self.file = path.name
        self.lines = list(_content(path.read_text(encoding="utf-8-sig")))
        self.at = 0
        self.anchors: dict[str, Any] = {}

    def description(self) -> dict[str, Any]:
        found = self.mapping(0)
        if self.at < len(self.lines):
            raise self.error("'key: value' without indentation")
        return found

    def block(self, indent: int) -> Any:
        """The list or mapping that starts here."""
        found = self.items(indent) if _is_item(self.lines[self.at][2]) else self.mapping(indent)
        if self.here() > indent:
            raise self.error(f"indentation by {indent}")
        return found

    def items(self, indent: int) -> list[Any]:
        found = []
        while self.here() == indent and _is_item(self.lines[self.at][2]):
            number, _, text = self.lines[self.at]
            rest = text[1:].lstrip()
            if rest and (_is_item(rest) or (_KEY.match(rest) and not _WHOLE.match(rest))):
                inner = indent + len(text) - len(rest)
                self.lines[self.at] = number, inner, rest
                found.append(self.block(inner))
            else:
                self.at += 1
                found.append(self.value(rest, indent))
        return found

    def mapping(self, indent: int) -> dict[str, Any]:
        found = {}
        while self.here() == indent and not _is_item(self.lines[self.at][2]):
            pair = _KEY.match(self.lines[self.at][2])
            if pair is None:
                raise self.error("'key: value'")
            self.at += 1
            found[_scalar(pair["key"])] = self.value(pair["rest"] or "", indent, below_key=True)
        return found

    def value(self, text: str, indent: int, below_key: bool = False) -> Any:
        """What a key or a dash at this indentation introduces; the rest of its line is `text`."""
        if text.startswith("&"):
            name, _, rest = text[1:].partition(" ")
            self.anchors[name] = self.value(rest.strip(), indent, below_key)
            return self.anchors[name]
        if text.startswith("*"):
            name = _without_comment(text[1:])
            if name not in self.anchors:
                self.at -= 1
                raise self.error(f"an anchor &{name} before *{name}")
            return self.anchors[name]
        if text.startswith(("'", '"')):
            return self.quoted(text)
        if text.startswith(("[", "{")):
            return self.flow(text)
        return self.nested(indent, below_key) if not _without_comment(text) else self.plain(text, indent)

    def nested(self, indent: int, below_key: bool) -> Any:
        """The deeper block that follows, or the list below a key, which need not be deeper; empty if there is none."""
        deeper = self.here() > indent
        if deeper or (below_key and self.here() == indent and _is_item(self.lines[self.at][2])):
            return self.block(self.here())
        return ""

    def plain(self, text: str, indent: int) -> str:
        """Text without quotes and the deeper lines that carry it on; a first ``|`` keeps their ends, ``>`` does not."""
        first = _without_comment(text)
        literal = re.fullmatch(r"[|>][+-]?", first)
        parts = [] if literal else [first]
        while self.here() > indent:
            parts.append(_without_comment(self.lines[self.at][2]))
            self.at += 1
        text = ("\n" if first.startswith("|") and literal else " ").join(parts)
        return "" if text in ("null", "~") else text

    def quoted(self, text: str) -> str:
        start = self.at
        while (whole := _WHOLE.match(text)) is None:
            text = f"{text} {self.next_line(start, 'a closing quote')}"
        return _scalar(whole["quoted"])

    def flow(self, text: str) -> Any:
        start = self.at
        tokens = _tokens(text)
        while _depth(tokens) > 0:
            text = f"{text} {self.next_line(start, 'a closing bracket')}"
            tokens = _tokens(text)
        try:
            return _collection(deque(tokens))
        except (IndexError, ValueError) as error:
            self.at = start - 1
            raise self.error("[a, list] or {a: mapping}") from error

    def next_line(self, start: int, missing: str) -> str:
        if self.at == len(self.lines):
            self.at = start - 1
            raise self.error(missing)
        self.at += 1
        return self.lines[self.at - 1][2]

    def here(self) -> int:
        """Indentation of the line that comes next; -1 at the end."""
        return self.lines[self.at][1] if self.at < len(self.lines) else -1

    def error(self, expected: str) -> ValueError:
        if self.at >= len(self.lines):
            return ValueError(f"{self.file} ends where {expected} was expected.")
        number, _, text = self.lines[self.at]
        return ValueError(f"{self.file}, line {number}: expected {expected}, got {text[:60]!r}.")


def _content(text: str) -> Iterator[tuple[int, int, str]]:
    """Number from 1, indentation and text of the lines that say something."""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#") and stripped not in ("---", "..."):
            yield number, len(line) - len(line.lstrip()), stripped


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _without_comment(text: str) -> str:
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()


def _scalar(text: str) -> str:
    """Text without its quotes."""
    text = text.strip()
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text.startswith('"'):
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), text[1:-1])
    return text


def _tokens(text: str) -> list[str]:
    """Brackets, commas, colons and scalars of a flow collection, up to a comment."""
    found, at = [], 0
    while token := _TOKEN.match(text, at):
        found.append(token["token"].strip())
        at = token.end()
    return found


def _depth(tokens: list[str]) -> int:
    return sum(token in ("[", "{") for token in tokens) - sum(token in ("]", "}") for token in tokens)


def _collection(tokens: deque[str]) -> Any:
    """Take the value that starts with the next token."""
    token = tokens.popleft()
    if token not in "[{":
        if token in "]},:":
            raise ValueError(f"{token!r} where a value was expected")
        return _scalar(token)
    pairs = [_part(tokens, named=token == "{") for _ in iter(lambda: tokens[0] in "]}", True)]
    if tokens.popleft() != {"[": "]", "{": "}"}[token]:
        raise ValueError(f"{token!r} is closed by another bracket")
    return dict(pairs) if token == "{" else [value for _, value in pairs]


def _part(tokens: deque[str], named: bool) -> tuple[str, Any]:
    """Take one part of a flow collection, with its name in a mapping, and the comma after it."""
    name = _scalar(tokens.popleft()) if named else ""
    if named and tokens.popleft() != ":":
        raise ValueError(f"no colon after {name!r}")
    part = name, _collection(tokens)
    if tokens[0] == ",":
        tokens.popleft()
    elif tokens[0] not in "]}":
        raise ValueError(f"no comma before {tokens[0]!r}")
    return part
