"""Finding the header of a sheet by its words, and which column holds which field. For lists of every kind."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar

from service_desk.base.text import fold
from service_desk.rules.fleet_list.facts import Field
from service_desk.rules.fleet_list.workbook import Cell, Merge, text_of

HEADER_WORDS: dict[Field, tuple[str, ...]] = {
    Field.PLATE: ("车牌号", "号牌号码", "牌照号", "车号"),
    Field.VIN: ("车架号", "车辆识别代号", "VIN码", "VIN"),
    Field.ENGINE_NO: ("发动机号", "发动机号码", "发动机号(码)"),
    Field.MODEL: ("厂牌型号", "车型"),
    Field.USE_CLASS: ("使用性质",),
    Field.SEATS: ("核定载客", "座位数"),
    Field.LOAD_T: ("核定载质量", "吨位"),
    Field.REGISTERED_ON: ("初次登记日期", "初登日期", "上牌日期"),
    Field.CTPL_EXPIRES_ON: ("交强险到期", "交强到期日"),
    Field.COMMERCIAL_EXPIRES_ON: ("商业险到期", "商业险终保日期"),
    Field.BRANCH: ("所属分公司", "单位", "使用单位"),
}

_FEWEST_FIELDS = 3
_MOST_HEADER_ROWS = 4
_UNIT_BELOW = re.compile(r"\(.*\)|\[.*\]|人|座|吨|T|KG")
_UNIT_OF_MONEY = re.compile(r"\((?:单位:)?万?元\)$")

F = TypeVar("F", bound=StrEnum)


@dataclass(frozen=True)
class Vocabulary(Generic[F]):
    """What the headings of one kind of list are called.

    `needs`: of each group at least one field must be there, the first group names what a row is about. With
    `groups` the words of a wide heading (交强险 over 保单号) are read together with those under it before these
    alone are, and a group reaches over the blank cells at its right where a file knows no merged cells.
    """

    field_of: Mapping[str, F]
    needs: tuple[tuple[F, ...], ...]
    groups: frozenset[str] = frozenset()

    def find(self, word: str) -> F | None:
        """The field a heading names, a unit of money in brackets aside."""
        found = self.field_of.get(word)
        if found is None and word.endswith("元)"):
            found = self.field_of.get(_UNIT_OF_MONEY.sub("", word))
        return found


def fields_by_word(words: Mapping[F, Iterable[str]]) -> dict[str, F]:
    """Turn a field's words into each word's field."""
    return {word: field for field, of_field in words.items() for word in of_field}


FLEET_WORDS = Vocabulary(fields_by_word(HEADER_WORDS), needs=((Field.PLATE, Field.VIN),))


@dataclass(frozen=True)
class Header(Generic[F]):
    """Where a table begins: indexes of its first and last header row, and each field's column."""

    top: int
    bottom: int
    columns: Mapping[F, int]


@lru_cache(maxsize=4096)
def _key_of_text(text: str) -> str:
    return "".join(fold(text).split()).upper()


def _key(cell: Cell) -> str:
    return _key_of_text(cell) if isinstance(cell, str) else text_of(cell)


def find_header(
    rows: Sequence[Sequence[Cell]], merges: Sequence[Merge], vocabulary: Vocabulary[F]
) -> Header[F] | None:
    """Find the first row or rows whose words name at least three fields, and what the list's kind needs.

    `rows` have their merges filled down. A cell counts as a whole after NFKC, blanks and line breaks
    aside. In a header of several rows the words may stand on any of them.
    """
    search = _Search(rows, merges, vocabulary)
    for top in range(len(rows)):
        header = search.header_at(top)
        if header:
            return header
    return None


def headings(rows: Sequence[Sequence[Cell]], header: Header[F]) -> tuple[str, ...]:
    """What stands above each column, the words of several header rows joined."""
    block = rows[header.top : header.bottom + 1]
    width = max((len(row) for row in block), default=0)
    return tuple(
        " ".join(dict.fromkeys(text_of(row[column]) for row in block if column < len(row))).strip()
        for column in range(width)
    )


class _Search(Generic[F]):
    """One walk down a sheet; the words of each row are looked at once."""

    def __init__(
        self, rows: Sequence[Sequence[Cell]], merges: Sequence[Merge], vocabulary: Vocabulary[F]
    ) -> None:
        self._rows = rows
        self._known = vocabulary
        self._merges = merges
        self._tall_merges: dict[int, list[Merge]] = {}
        for merge in merges:
            for index in range(merge.top, min(merge.bottom, merge.top + _MOST_HEADER_ROWS)):
                self._tall_merges.setdefault(index, []).append(merge)
        self._keys: dict[int, list[str]] = {}

    def _is_enough(self, columns: Mapping[F, int]) -> bool:
        return len(columns) >= _FEWEST_FIELDS and all(
            any(field in columns for field in group) for group in self._known.needs
        )

    def header_at(self, top: int) -> Header[F] | None:
        """The header that begins at `top`, None when none does or the row adds nothing to the one below."""
        if not any(self._has_known_word(index) for index in range(top, top + _MOST_HEADER_ROWS)):
            return None
        block = self._block_at(top)
        columns = self._columns(block)
        if not self._is_enough(columns):
            return None
        if len(block) > 1 and len(self._columns(block[1:])) >= len(columns):
            return None
        return Header(block[0], block[-1], columns)

    def _block_at(self, top: int) -> list[int]:
        block = [top]
        while len(block) < _MOST_HEADER_ROWS and block[-1] + 1 < len(self._rows):
            following = block[-1] + 1
            columns = self._columns(block)
            if not self._reaches_down(block, columns):
                if self._holds_vehicle(following, columns):
                    break
                found = len(self._columns([*block, following])) - len(columns)
                if found < 0 or (found == 0 and not self._stands_under_groups(following, block, columns)):
                    break
            block.append(following)
        return block

    def _reaches_down(self, block: Sequence[int], columns: Mapping[F, int]) -> bool:
        """Whether a merged header word hangs into the row below the block."""
        mapped = set(columns.values())
        return any(
            merge.left in mapped and self._known.find(self._word(block[-1], merge.left))
            for merge in self._tall_merges.get(block[-1], ())
        )

    def _stands_under_groups(self, index: int, block: Sequence[int], columns: Mapping[F, int]) -> bool:
        """Whether a row holds nothing but the headings under wide merged ones, like 保单号 and 保费 under 保险."""
        if not self._is_enough(columns):
            return False
        filled = {column for column, word in enumerate(self._words(index)) if word}
        groups = [
            set(range(merge.left, min(merge.right + 1, len(self._words(block[-1])))))
            for merge in self._merges
            if merge.left < merge.right and block[0] <= merge.top <= merge.bottom == block[-1]
        ]
        covered = set().union(*(group for group in groups if group & filled))
        hanging = {merge.left for merge in self._tall_merges.get(block[-1], ())}
        return bool(covered) and covered <= filled <= covered | hanging

    def _holds_vehicle(self, index: int, columns: Mapping[F, int]) -> bool:
        for field in self._known.needs[0]:
            word = self._word(index, columns[field]) if field in columns else ""
            if word and self._known.find(word) is None and not _UNIT_BELOW.fullmatch(word):
                return True
        return False

    def _columns(self, block: Sequence[int]) -> dict[F, int]:
        """Each field's column; a word on a lower row goes before one above, left before right."""
        columns: dict[F, int] = {}
        if self._known.groups and len(block) > 1:
            self._add_joined_words(columns, block)
        for position in range(len(block) - 1, -1, -1):
            for column, word in enumerate(self._words(block[position])):
                field = self._known.find(word)
                if field is None or field in columns or column in columns.values():
                    continue
                if not self._is_overruled(column, word, block[position + 1 :]):
                    columns[field] = column
        if len(block) > 1:
            self._add_joined_words(columns, block)
        return columns

    def _is_overruled(self, column: int, word: str, below: Iterable[int]) -> bool:
        """Whether another heading stands under a word: then the word was a title's, not the column's."""
        lower = (self._word(index, column) for index in below)
        return any(text and text != word and not _UNIT_BELOW.fullmatch(text) for text in lower)

    def _add_joined_words(self, columns: dict[F, int], block: Sequence[int]) -> None:
        """Understand a group heading over a short one: 交强险 over 到期 is 交强险到期."""
        width = max(len(self._words(index)) for index in block)
        for column in range(width):
            if column in columns.values():
                continue
            parts = list(dict.fromkeys(self._spread_word(index, column) for index in block))
            joined = ("".join(parts[start:]) for start in range(len(parts)))
            field = next((found for word in joined if (found := self._known.find(word))), None)
            if field is not None and field not in columns:
                columns[field] = column

    def _has_known_word(self, index: int) -> bool:
        return index < len(self._rows) and any(self._known.find(word) for word in self._words(index))

    def _words(self, index: int) -> list[str]:
        if index not in self._keys:
            self._keys[index] = [_key(cell) for cell in self._rows[index]]
        return self._keys[index]

    def _word(self, index: int, column: int) -> str:
        words = self._words(index)
        return words[column] if column < len(words) else ""

    def _spread_word(self, index: int, column: int) -> str:
        """The word of a cell, or of the merged cell that covers it."""
        word = self._word(index, column)
        if word:
            return word
        for merge in self._merges:
            if merge.top <= index <= merge.bottom and merge.left <= column <= merge.right:
                return self._word(merge.top, merge.left)
        return "" if self._merges else self._group_over(index, column)

    def _group_over(self, index: int, column: int) -> str:
        """The group heading whose blank cells reach to a column, in a file without merged cells."""
        words = self._words(index)[:column]
        nearest = next((word for word in reversed(words) if word), "")
        return nearest if nearest in self._known.groups else ""
