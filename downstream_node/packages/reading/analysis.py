"""A data package becomes its statistics: the one function that others call.

*package* is a seekable zip file, which may as well be decrypted on the way; *output* takes the
SQLite file in pieces, which may as well be encrypted on the way. Nothing else is read or written.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from downstream_node.packages.reading import layout
from downstream_node.packages.reading.account import Account, Source, read_account
from downstream_node.packages.reading.activity import MESSAGE, Activity, Row
from downstream_node.packages.reading.archive import Archive
from downstream_node.packages.reading.channels import Known, Place, Table, place, row_of
from downstream_node.packages.reading.database import Output, ResultDatabase, too_large
from downstream_node.packages.reading.docs import DOCS
from downstream_node.packages.reading.documents import Channel, Guild, decoded
from downstream_node.packages.reading.events import Events
from downstream_node.packages.reading.layout import ChannelFiles
from downstream_node.packages.reading.limits import Limits
from downstream_node.packages.reading.messages import FILE, Counted, count
from downstream_node.packages.reading.problems import Missing, Problem, Problems
from downstream_node.packages.reading.sessions import sessions
from downstream_node.packages.reading.splitting import lines
from downstream_node.packages.reading.stamps import HOURS, day_text, seconds_text
from downstream_node.packages.reading.tables import CALL_TIMES
from downstream_node.packages.reading.voice import VoiceSession, voice_sessions
from downstream_node.packages.reading.watch import Cancelled, Progress, Step, Watch

PACKAGE_VERSION = "0.1.0"
"""Of the form of the result, which is the document's."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a package; nothing in it says anything about the person, so it can be logged."""

    is_partial: bool
    """Whether servers, messages or analytics are absent as a whole."""
    messages: int
    events: int
    """Lines of the analytics that are events, of whichever kind."""
    unpacked_bytes: int
    database_bytes: int
    rows: dict[str, int]
    """By table."""
    missing: tuple[Missing, ...]


def analyse(  # noqa: PLR0913, PLR0917 - the whole interface
    package: BinaryIO,
    output: Output,
    package_id: str,
    progress: Progress,
    cancelled: Cancelled,
    limits: Limits,
) -> Report:
    """Make the statistics of *package* and write them to *output*, an SQLite file.

    Raises PackageRefused with a code where the package cannot or must not be read, and
    PackageCancelled; *output* has then been given nothing, or not all.
    """
    watch = Watch(progress, cancelled)
    watch.begin(Step.CHECKING)
    archive = Archive(package, limits, watch)
    source = Source(archive, layout.find(archive.names), Problems(), watch, limits)
    with ResultDatabase(limits) as database:
        watch.begin(Step.ACCOUNT)
        account = read_account(source)
        places = read_messages(source, account, database)
        events = read_analytics(source, database)
        watch.begin(Step.SESSIONS)
        stays = insert_sessions(events, database)
        partial = is_partial(source, events)
        insert_channels(account, places, stays, database)
        insert_package(source, account, package_id, database, partial=partial)
        database.finish()
        watch.begin(Step.WRITING, database.size())
        size = database.write(output, watch)
        return Report(
            is_partial=partial,
            messages=sum(each.messages for each in places),
            events=events.lines,
            unpacked_bytes=archive.unpacked,
            database_bytes=size,
            rows=database.rows,
            missing=source.problems.all(),
        )


def is_partial(source: Source, events: Events) -> bool:
    """Whether servers, messages or analytics are absent as a whole."""
    found = source.layout
    servers = found.server_index is not None or bool(found.servers)
    return not (servers and found.channels and events.lines)


# Messages


def read_messages(source: Source, account: Account, database: ResultDatabase) -> list[Place]:
    """Read all channels, and insert what their messages add to `activity` and `attachments`."""
    files = source.layout.channels
    source.problems.add("messages", Problem.MISSING, not files)
    names = [name for file in files for name in (file.description, file.messages) if name]
    source.watch.begin(Step.MESSAGES, sum(map(source.archive.size, names)))
    known = known_of(account)
    places: dict[str, Place] = {}
    for file in files:
        here = places.setdefault(file.id, place(file.id, read_channel(source, file), known))
        counted = read_channel_messages(source, file)
        here.messages += counted.total
        database.insert("activity", message_rows(here, counted))
        database.insert("attachments", attachment_rows(here, counted))
        if database.rows["activity"] > source.limits.rows:
            raise too_large(source.limits)
    return list(places.values())


def known_of(account: Account) -> Known:
    """What channels are named by."""
    return Known(str(account.user.id), account.friends, account.channel_names)


def read_channel(source: Source, file: ChannelFiles) -> Channel:
    """What the package says of a channel; nothing where its channel.json is no use."""
    if file.description is None:
        source.problems.add("description of a channel", Problem.MISSING)
        return Channel()
    read = decoded(source.archive.whole(file.description), Channel)
    source.problems.add("description of a channel", Problem.BROKEN, read is None)
    return read or Channel()


def read_channel_messages(source: Source, file: ChannelFiles) -> Counted:
    """The messages of a channel, counted."""
    if file.messages is None:
        source.problems.add(FILE, Problem.MISSING)
        return Counted()
    pieces = source.archive.pieces(file.messages)
    return count(file.messages, pieces, source.limits.item_bytes, source.problems)


def message_rows(here: Place, counted: Counted) -> Iterator[Row]:
    """What a channel's messages are in `activity`."""
    guild = here.guild()
    for hour, number in counted.hours.items():
        day, in_day = divmod(hour, HOURS)
        yield MESSAGE, day_text(day), in_day, number, None, here.id, guild, None, None


def attachment_rows(here: Place, counted: Counted) -> Iterator[tuple[str, str, int, int]]:
    """What a channel's messages had attached, by day."""
    for day, number in counted.with_attachments.items():
        yield here.id, day_text(day), number, counted.attachments[day]


# Analytics


def read_analytics(source: Source, database: ResultDatabase) -> Events:
    """Read all shards of the analytics, and insert what they add to `activity`."""
    names = source.layout.analytics
    source.problems.add("analytics", Problem.MISSING, not names)
    source.watch.begin(Step.ANALYTICS, sum(map(source.archive.size, names)))
    activity = Activity()
    events = Events(activity, source.problems)
    for name in names:
        for batch in lines(source.archive.pieces(name), source.limits.item_bytes):
            events.read(batch)
            if database.rows["activity"] + len(events) > source.limits.rows:
                raise too_large(source.limits)
    database.insert("activity", activity.taken())
    return events


def insert_sessions(events: Events, database: ResultDatabase) -> Counter[str]:
    """Insert the sessions of the app and in voice; returns minutes in voice by channel.

    What they are made of is given up: nothing of it is needed beside the finished database.
    """
    database.insert(
        "sessions",
        (
            (seconds_text(one.started), seconds_text(one.ended), one.minutes, one.device_os)
            for one in sessions(events.sessions)
        ),
    )
    stays = voice_sessions(events.joins, events.leaves)
    events.give_up()
    database.insert("voice_sessions", map(voice_row, stays))
    minutes: Counter[str] = Counter()
    for stay in stays:
        minutes[stay.channel] += stay.minutes
    return minutes


def voice_row(stay: VoiceSession) -> tuple[str, str | None, int, str, str]:
    """The row of one stay in a voice channel."""
    times = (seconds_text(stay.started), seconds_text(stay.ended))
    return stay.channel, stay.guild, stay.minutes, *times


# What is known at the end


def insert_channels(
    account: Account, places: list[Place], minutes: Counter[str], database: ResultDatabase
) -> None:
    """Insert channels and guilds with their totals, and calls by person."""
    known = known_of(account)
    rows: defaultdict[Table, list[tuple[object, ...]]] = defaultdict(list)
    guilds = dict(account.guilds)
    totals: Counter[str] = Counter()
    for here in places:
        table, row = row_of(here, known, minutes[here.id])
        rows[table].append(row)
        guild = here.description.guild
        if table is Table.GUILD and guild is not None:
            totals[str(guild.id)] += here.messages
            # A guild that the person has left may be named by its channels alone.
            guilds.setdefault(str(guild.id), guild)
    for table, some in rows.items():
        database.insert(table, some)
    database.insert("guilds", (guild_row(key, one, totals[key]) for key, one in guilds.items()))
    database.fill("call_times", CALL_TIMES)


def guild_row(key: str, guild: Guild, messages: int) -> tuple[str, str, int, str | None]:
    """The row of a guild."""
    return key, guild.name or key, messages, guild.icon_url()


def insert_package(
    source: Source, account: Account, package_id: str, database: ResultDatabase, *, partial: bool
) -> None:
    """Insert payments, what the package is, what it lacks, and the questions that it answers."""
    user = account.user
    display = user.display_name or user.global_name
    row = (package_id, PACKAGE_VERSION, str(user.id), user.username, display, user.avatar_url())
    problems = source.problems.all()
    database.insert("payments", account.payments)
    database.insert("package_data", [(*row, partial)])
    database.insert("missing", ((one.part, one.problem, one.count) for one in problems))
    database.insert("docs", DOCS)
