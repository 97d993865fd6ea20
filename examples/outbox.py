"""An order and its job in one transaction of a shop's own.  order -> [outbox] -> shop_orders and job row -> verdict

    python examples/outbox.py examples/order.json

A shop that stores an order and then tells a queue of it loses the message when it dies in between, or tells of an order
that was never stored. Here the job is a row of the same database, written in the same transaction: it exists if and
only if the order does. Needs RULEFARM_BROKER_URL, RULEFARM_DATABASE_URL, and a worker for payment."""

import json
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, DateTime, Text, create_engine, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from rulefarm import Farm, Job


class Base(DeclarativeBase):
    """The shop's own tables."""


class ShopOrder(Base):
    """An order, as the shop keeps it."""

    __tablename__ = "shop_orders"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(Text)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    placed_at: Mapped[Any] = mapped_column(DateTime(timezone=True), server_default=func.now())


def place_order(farm: Farm, session: Session, order: dict[str, Any]) -> Job:
    """Store an order, and the job that judges it, in the transaction of the session; whoever calls commits.

    Args:
        farm: takes the job.
        session: on the database that the farm has too.
        order: facts of the payment domain.

    Returns:
        The job. No message of it is sent yet: `farm.send(job)` after the commit, or the reconciler, does that.
    """
    session.add(ShopOrder(key=order["Order"]["order_id"], document=order))
    session.flush()
    return farm.submit("payment", order, key=order["Order"]["order_id"], connection=session)


def main(path: str) -> None:
    """Place an order and undo it; place it again and wait for its verdict."""
    order = json.loads(Path(path).read_text(encoding="utf-8"))
    with Farm.from_env() as farm:
        engine = create_engine(farm.require_ledger().engine.url)
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            undone = place_order(farm, session, order)
            session.rollback()
            known = farm.require_ledger().has_job(undone.id)
            print(f"undone: {session.scalar(select(func.count()).select_from(ShopOrder))} orders, job known: {known}")
            job = place_order(farm, session, order)
            session.commit()
            farm.send(job)
            print(f"placed: {session.scalar(select(func.count()).select_from(ShopOrder))} order,", job.wait(30).outcome)
        engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1])
