"""A page whose commands build on files of its own: they are run in order, and print what stands there.

What is another one each time, as instants and hosts, may stand there as it reads well."""

import re
from collections.abc import Callable
from pathlib import Path

#: A file that the reader writes, named in its first line; or commands, each with what it prints.
BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: A command, and what it prints.
COMMANDS = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
#: What is another one each time, and what stands for it on a new page.
VARYING = [
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+\+00:00)?", "2026-11-28 09:30:00"),
    (r"\S+@\S+", "anna@desk"),
    (r"up to [0-9a-f]{12}", "up to 5f0c8a7be3d1"),
    (r"\d+ µs", "38 µs"),
]


def settled(text: str) -> str:
    """Without what is another one each time."""
    for pattern, one in VARYING:
        text = re.sub(pattern, one, text)
    return "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())


def written(page: str, say: Callable[..., str], folder: Path) -> str:
    """The page with what its commands print now.

    Args:
        page: its text.
        say: runs `rulefarm` in the folder, gives what it prints.
        folder: where the files of the page are written.
    """

    def command(found: re.Match[str]) -> str:
        line, stands = found.groups()
        if not line.startswith("rulefarm "):
            return found[0]
        printed = settled(say(*(word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)[1:])))
        return f"$ {line}\n{stands if settled(stands) == printed else printed}"

    def block(found: re.Match[str]) -> str:
        kind, content = found.groups()
        if kind == "console":
            return f"```console\n{COMMANDS.sub(command, content)}```"
        # JSON and tables have no comments: their names stand before them.
        is_bare = kind in ("json", "csv")
        names = re.findall(r"`([^`\n]+)`", page[: found.start()]) if is_bare else content.split()[1:]
        name = names[-1 if is_bare else 0]
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
        return found[0]

    return BLOCKS.sub(block, page)
