"""What the table `docs` holds: questions that the result answers, each with its query. Pure.

The first two are the document's, to the letter.
"""

from typing import NamedTuple


class Question(NamedTuple):
    """One row of `docs`."""

    name: str
    question: str
    query: str


DOCS = (
    Question(
        "messages_since",
        "How many messages did I send from 2022 on?",
        "SELECT SUM(count_this_day) FROM activity"
        " WHERE day > '2022' AND event_name = 'message_sent'",
    ),
    Question("guilds", "Which guilds am I in?", "SELECT name, avatar_url FROM guilds"),
    Question(
        "events",
        "What did I do, and how often?",
        "SELECT event_name, SUM(occurence_count) AS total FROM activity"
        " GROUP BY event_name ORDER BY total DESC",
    ),
    Question(
        "guilds_joined",
        "How many guilds did I join in June 2021?",
        "SELECT SUM(occurence_count) FROM activity"
        " WHERE event_name = 'guild_joined' AND day BETWEEN '2021-06-01' AND '2021-06-30'",
    ),
    Question(
        "top_people",
        "To whom did I write most?",
        "SELECT dm_user_id, user_name, user_avatar_url, SUM(total_message_count) AS messages"
        " FROM dm_channels_data GROUP BY dm_user_id ORDER BY messages DESC LIMIT 10",
    ),
    Question(
        "top_guilds",
        "In which guilds did I write most?",
        "SELECT guild_name, total_message_count FROM guilds"
        " ORDER BY total_message_count DESC LIMIT 10",
    ),
    Question(
        "top_channels",
        "In which channels of guilds did I write most?",
        "SELECT channel_name, guild_name, channels.total_message_count"
        " FROM guild_channels_data AS channels JOIN guilds USING (guild_id)"
        " ORDER BY channels.total_message_count DESC LIMIT 10",
    ),
    Question(
        "messages_by_hour",
        "At what hours (UTC) do I write?",
        "SELECT hour, SUM(occurence_count) AS messages FROM activity"
        " WHERE event_name = 'message_sent' GROUP BY hour ORDER BY hour",
    ),
    Question(
        "messages_by_day",
        "How many messages did I send each day?",
        "SELECT day, SUM(occurence_count) AS messages FROM activity"
        " WHERE event_name = 'message_sent' GROUP BY day ORDER BY day",
    ),
    Question(
        "top_reactions",
        "With what do I react? (custom is 1 for a guild's own emoji)",
        "SELECT extra_field_1 AS emoji, extra_field_2 AS custom, SUM(occurence_count) AS total"
        " FROM activity WHERE event_name = 'add_reaction'"
        " GROUP BY emoji, custom ORDER BY total DESC LIMIT 10",
    ),
    Question(
        "top_applications",
        "Whose commands do I use?",
        "SELECT associated_user_id AS application_id, SUM(occurence_count) AS total"
        " FROM activity WHERE event_name = 'application_command_used'"
        " GROUP BY application_id ORDER BY total DESC LIMIT 10",
    ),
    Question(
        "app_opened",
        "On what do I open the app?",
        "SELECT extra_field_1 AS os, SUM(occurence_count) AS total FROM activity"
        " WHERE event_name = 'app_opened' GROUP BY os ORDER BY total DESC",
    ),
    Question(
        "spent",
        "What did I pay? (amounts are in cents)",
        "SELECT payment_currency, SUM(payment_amount) / 100.0 AS spent, COUNT(*) AS payments"
        " FROM payments GROUP BY payment_currency",
    ),
    Question(
        "session_time",
        "How long do I use the app, by system?",
        "SELECT device_os, SUM(duration_mins) AS minutes, COUNT(*) AS sessions FROM sessions"
        " GROUP BY device_os ORDER BY minutes DESC",
    ),
    Question(
        "voice_time",
        "How long was I in voice channels each month?",
        "SELECT STRFTIME('%Y-%m', CAST(started_date AS REAL), 'unixepoch') AS month,"
        " SUM(duration_mins) AS minutes FROM voice_sessions GROUP BY month ORDER BY month",
    ),
    Question(
        "call_times",
        "With whom was I in calls, and how long?",
        "SELECT dm_user_id, user_name, call_count, total_duration_mins FROM call_times"
        " ORDER BY total_duration_mins DESC",
    ),
    Question(
        "groups",
        "In which group DMs did I write most?",
        "SELECT channel_name, recipient_count, total_message_count FROM group_channels_data"
        " ORDER BY total_message_count DESC",
    ),
    Question(
        "other_channels",
        "Which channels does the package not say where they belong?",
        "SELECT channel_id, channel_name, channel_type, total_message_count"
        " FROM other_channels_data ORDER BY total_message_count DESC",
    ),
    Question(
        "attachments_by_month",
        "How many files did I send each month?",
        "SELECT SUBSTR(day, 1, 7) AS month, SUM(attachment_count) AS files FROM attachments"
        " GROUP BY month ORDER BY month",
    ),
    Question(
        "missing",
        "What was missing in my package, or broken?",
        "SELECT part, problem, count FROM missing ORDER BY part",
    ),
)
"""All rows."""
