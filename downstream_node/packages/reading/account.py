"""Whose package it is: the owner, friends, payments, and the names of guilds and channels."""

from collections.abc import Iterator
from dataclasses import dataclass

from downstream_node.errors import PackageRefused
from downstream_node.packages.reading.archive import Archive
from downstream_node.packages.reading.documents import (
    Friend,
    Guild,
    Payment,
    Payments,
    User,
    decoded,
    entries,
    index,
)
from downstream_node.packages.reading.layout import Layout
from downstream_node.packages.reading.limits import Limits, Refusal
from downstream_node.packages.reading.problems import Problem, Problems
from downstream_node.packages.reading.stamps import MINUTES_A_DAY, day_text, minute_of
from downstream_node.packages.reading.watch import Watch

PaymentRow = tuple[str, str, int, str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """A package that is being read, and what goes along with that."""

    archive: Archive
    layout: Layout
    problems: Problems
    watch: Watch
    limits: Limits


@dataclass(frozen=True, slots=True)
class Account:
    """What the rest of a package is read with."""

    user: User
    friends: dict[str, Friend]
    guilds: dict[str, Guild]
    channel_names: dict[str, str | None]
    payments: tuple[PaymentRow, ...]


def read_account(source: Source) -> Account:
    """Read the account. Raises PackageRefused where there is none."""
    user = read_user(source)
    friends = entries(user.relationships, Friend, "friend", source.problems)
    return Account(
        user=user,
        friends={str(friend.id): friend for friend in friends},
        guilds=dict(read_guilds(source)),
        channel_names=read_index(source, source.layout.message_index, "message index"),
        payments=tuple(payment_rows(source, user)),
    )


def read_user(source: Source) -> User:
    """The owner, by user.json. Raises PackageRefused without one that can be read."""
    name = source.layout.user
    if name is None:
        raise PackageRefused(Refusal.MISSING_USER_DATA, "The package has no user.json.")
    user = decoded(source.archive.whole(name), User)
    if user is None:
        raise PackageRefused(
            Refusal.MISSING_USER_DATA, "The user.json of the package cannot be read."
        )
    return user


def read_index(source: Source, name: str | None, part: str) -> dict[str, str | None]:
    """The names in an index.json; none where it is missing or broken."""
    if name is None:
        source.problems.add(part, Problem.MISSING)
        return {}
    return index(source.archive.whole(name), part, source.problems)


def read_guilds(source: Source) -> Iterator[tuple[str, Guild]]:
    """The guilds by id, from the index; where that does not name one, from its own file."""
    layout = source.layout
    if layout.server_index is None and not layout.servers:
        source.problems.add("servers", Problem.MISSING)
        return
    names = read_index(source, layout.server_index, "server index")
    for guild, name in names.items():
        yield guild, Guild(guild, name)
    for guild, file in layout.servers.items():
        if names.get(guild) is not None:
            continue
        read = decoded(source.archive.whole(file), Guild)
        source.problems.add("server", Problem.BROKEN, read is None)
        yield guild, Guild(guild) if read is None else read


def payment_rows(source: Source, user: User) -> Iterator[PaymentRow]:
    """The rows of `payments`; a payment that is listed twice was made once."""
    raws = user.payments
    if source.layout.payments is not None:
        file = decoded(source.archive.whole(source.layout.payments), Payments)
        source.problems.add("payments", Problem.BROKEN, file is None)
        raws = file.records if file else raws
    if raws is None:
        source.problems.add("payments", Problem.MISSING)
    payments = entries(raws, Payment, "payment", source.problems)
    for payment in {payment.id: payment for payment in payments if payment.counts()}.values():
        try:
            day = day_text(minute_of(payment.created_at) // MINUTES_A_DAY)
        except ValueError:
            source.problems.add("payment", Problem.BROKEN)
            continue
        text = payment.description or ""
        yield str(payment.id), day, payment.amount, payment.currency, text
