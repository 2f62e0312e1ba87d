"""Strict XML: a small tree that knows which bytes each element came from.

Signatures in a configuration document are over an element's exact bytes (RFC 6940 §11.1), so the parser reports
offsets. Document type declarations are refused, and with them every entity but XML's own five: nothing is expanded,
nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from p2psip_min.errors import Malformed

MAX_DOCUMENT = 1 << 20
"""Bytes of XML that are parsed at all."""
MAX_DEPTH = 16


@dataclass(slots=True)
class Element:
    """One element: ``name`` with its namespace in front (``uri name``), and where it lies in the document."""

    name: str
    attributes: dict[str, str]
    start: int
    end: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)


class _Reader:
    def __init__(self, document: bytes) -> None:
        self._document = document
        self._open: list[Element] = []
        self.root: Element | None = None
        self._parser = parser = expat.ParserCreate("UTF-8", " ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def read(self) -> Element:
        try:
            self._parser.Parse(self._document, True)
        except expat.ExpatError as error:
            raise Malformed(max(self._parser.ErrorByteIndex, 0), f"XML: {expat.errors.messages[error.code]}") from None
        assert self.root is not None
        return self.root

    def _refuse(self, what: str) -> Malformed:
        return Malformed(self._parser.CurrentByteIndex, what)

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() != "UTF-8":
            raise self._refuse("XML: encoding is not UTF-8")

    def _doctype(self, *_: object) -> None:
        raise self._refuse("XML: document type declaration")

    def _instruction(self, *_: object) -> None:
        raise self._refuse("XML: processing instruction")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) == MAX_DEPTH:
            raise self._refuse("XML: nested too deeply")
        element = Element(name, attributes, self._parser.CurrentByteIndex)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        at = self._parser.CurrentByteIndex
        # At an end tag the index is where that begins; at an empty element's tag, where it has ended.
        empty = not element.children and not element.text and self._document[at - 2 : at] == b"/>"
        element.end = at if empty else self._document.index(b">", at) + 1

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text


def read(document: bytes) -> Element:
    """The document's root element, else Malformed."""
    if len(document) > MAX_DOCUMENT:
        raise Malformed(MAX_DOCUMENT, "XML: document too large")
    return _Reader(document).read()
