"""How a source is to be read, and what came to light while it was.  [source_options] -> readers, sources, submit

The two values that every reader shares. Reads nothing."""

from dataclasses import dataclass, field

from rulefarm.errors import SourceRejected
from rulefarm.normalize import abbreviate

#: More names than these are only counted: a line of jsonl may name what it likes.
MAX_COLUMNS_NOTED = 2_000
#: Things worth a remark that are named one by one.
MAX_REMARKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """How a source is to be read."""

    #: The column or path that names the subject. None: the first.
    subject: str | None = None
    #: Other names of that column, as other systems have it.
    subject_elsewhere: tuple[str, ...] = ()
    #: Of a workbook: the sheet to read. None: the first that is not hidden.
    sheet: str | None = None
    #: Of text: its encoding, as Python names it. None: UTF-8.
    encoding: str | None = None
    #: Of csv and workbooks: what stands before the decimals of a number in text, `.` or `,`. None: the domain says.
    decimal: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no text.

        Raises:
            SourceRejected: `bad-option`, by its name.
        """
        for name in ("subject", "sheet", "encoding", "decimal"):
            value = getattr(self, name)
            if not isinstance(value, str | None):
                raise SourceRejected("bad-option", f"{name} is a text, not {abbreviate(value)}")


@dataclass(slots=True)
class Progress:
    """What has been read of a source so far."""

    #: Records, but those without anything in them.
    read: int = 0
    #: Those of them that can't be judged, whatever the rules: a row of too many cells, say.
    refused: int = 0
    #: The names that stand in the header, or in any line of jsonl so far.
    columns: dict[str, None] = field(default_factory=dict)
    #: What somebody should know who sent it, in sentences.
    remarks: list[str] = field(default_factory=list)
    #: Whether a subject is one that a spreadsheet shortened; one of them is worth a remark.
    has_rounded_subject: bool = False

    def remark(self, sentence: str) -> None:
        """Note a sentence once, and no more than MAX_REMARKS in all."""
        if sentence not in self.remarks and len(self.remarks) < MAX_REMARKS:
            self.remarks.append(sentence)
