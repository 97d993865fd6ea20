"""The trail of what operators did.  store.dead_letter_retry -> [operator_actions] -> operator_actions -> auditors

A row is written by the transaction that does what it tells of, so that there are both or neither. Rows are added, never
changed: the farm's user of Postgres may do neither more."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, insert, select

from rulefarm.database import operator_actions, translate_errors


@dataclass(frozen=True, slots=True)
class Operator:
    """Who does something."""

    #: `user@host` of a command; at the console the name of a token, or loopback.
    name: str
    #: From where a request came; None: it is a command.
    address: str | None = None


def record_action(
    connection: Connection,
    operator: Operator,
    action: Literal["retry", "drop"],
    asked: Mapping[str, Any],
    letters: Sequence[uuid.UUID],
) -> None:
    """Put on record what is done; nothing if it is done to nothing.

    Args:
        connection: in the transaction that does it.
        operator: who does it.
        action: what.
        asked: what the operator asked for, as plain data.
        letters: the dead letters that it is done to.
    """
    if letters:
        row = {"operator": operator.name, "address": operator.address, "action": action, "asked": dict(asked)}
        connection.execute(insert(operator_actions).values(row | {"letters": list(letters), "number": len(letters)}))


def find_actions(
    engine: Engine, *, letter: uuid.UUID | None = None, limit: int = 20, with_letters: bool = True
) -> list[dict[str, Any]]:
    """What operators did, the last first.

    Args:
        engine: the database.
        letter: only what was done to this dead letter. Default: all.
        limit: at most so many.
        with_letters: whether each tells the ids of its dead letters, which may be a thousand.

    Raises:
        DatabaseUnreachable: no answer.
    """
    columns = [column for column in operator_actions.c if with_letters or column.name != "letters"]
    statement = select(*columns).order_by(operator_actions.c.id.desc()).limit(limit)
    if letter is not None:
        statement = statement.where(operator_actions.c.letters.contains([letter]))
    with translate_errors(engine), engine.connect() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]
