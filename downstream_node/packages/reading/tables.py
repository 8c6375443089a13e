"""The tables of the result: the document's, and after them ours. Pure.

The document's example queries use two columns that its tables do not have (`count_this_day`,
`guilds.name`): here they are other names of the columns that were meant. They take no room.
"""

TABLES = {
    "activity": """(
        event_name TEXT NOT NULL,
        day TEXT NOT NULL,
        hour INTEGER,
        occurence_count INTEGER NOT NULL,
        associated_user_id TEXT,
        associated_channel_id TEXT,
        associated_guild_id TEXT,
        extra_field_1 TEXT,
        extra_field_2 TEXT,
        count_this_day INTEGER GENERATED ALWAYS AS (occurence_count) VIRTUAL
    )""",
    "dm_channels_data": """(
        channel_id TEXT NOT NULL PRIMARY KEY,
        dm_user_id TEXT NOT NULL,
        user_name TEXT NOT NULL,
        display_name TEXT,
        user_avatar_url TEXT,
        total_message_count INTEGER NOT NULL,
        total_voice_channel_duration INTEGER NOT NULL,
        sentiment_score REAL
    )""",
    "guild_channels_data": """(
        channel_id TEXT NOT NULL PRIMARY KEY,
        channel_name TEXT NOT NULL,
        guild_id TEXT NOT NULL,
        total_message_count INTEGER NOT NULL,
        total_voice_channel_duration INTEGER NOT NULL
    )""",
    "guilds": """(
        guild_id TEXT NOT NULL PRIMARY KEY,
        guild_name TEXT NOT NULL,
        total_message_count INTEGER NOT NULL,
        avatar_url TEXT,
        name TEXT GENERATED ALWAYS AS (guild_name) VIRTUAL
    )""",
    "payments": """(
        payment_id TEXT NOT NULL PRIMARY KEY,
        payment_date TEXT NOT NULL,
        payment_amount INTEGER NOT NULL,
        payment_currency TEXT NOT NULL,
        payment_description TEXT NOT NULL
    )""",
    "voice_sessions": """(
        channel_id TEXT NOT NULL,
        guild_id TEXT,
        duration_mins INTEGER NOT NULL,
        started_date TEXT NOT NULL,
        ended_date TEXT NOT NULL,
        PRIMARY KEY (channel_id, started_date)
    )""",
    "sessions": """(
        started_date TEXT NOT NULL,
        ended_date TEXT NOT NULL,
        duration_mins INTEGER NOT NULL,
        device_os TEXT NOT NULL
    )""",
    "package_data": """(
        package_id TEXT NOT NULL,
        package_version TEXT NOT NULL,
        package_owner_id TEXT NOT NULL,
        package_owner_name TEXT NOT NULL,
        package_owner_display_name TEXT,
        package_owner_avatar_url TEXT,
        package_is_partial BOOLEAN NOT NULL DEFAULT 0
    )""",
    "group_channels_data": """(
        channel_id TEXT NOT NULL PRIMARY KEY,
        channel_name TEXT NOT NULL,
        recipient_count INTEGER NOT NULL,
        total_message_count INTEGER NOT NULL,
        total_voice_channel_duration INTEGER NOT NULL
    )""",
    "other_channels_data": """(
        channel_id TEXT NOT NULL PRIMARY KEY,
        channel_name TEXT NOT NULL,
        channel_type TEXT,
        total_message_count INTEGER NOT NULL,
        total_voice_channel_duration INTEGER NOT NULL
    )""",
    "attachments": """(
        channel_id TEXT NOT NULL,
        day TEXT NOT NULL,
        message_count INTEGER NOT NULL,
        attachment_count INTEGER NOT NULL
    )""",
    "call_times": """(
        dm_user_id TEXT NOT NULL PRIMARY KEY,
        user_name TEXT NOT NULL,
        call_count INTEGER NOT NULL,
        total_duration_mins INTEGER NOT NULL,
        longest_duration_mins INTEGER NOT NULL,
        last_started_date TEXT NOT NULL
    )""",
    "missing": """(
        part TEXT NOT NULL,
        problem TEXT NOT NULL,
        count INTEGER NOT NULL
    )""",
    "docs": """(
        name TEXT NOT NULL PRIMARY KEY,
        question TEXT NOT NULL,
        query TEXT NOT NULL
    )""",
}
"""The definition of each table."""

WRITABLE = {
    name: sum(" GENERATED " not in line for line in body.splitlines() if line.startswith(" " * 8))
    - body.count("PRIMARY KEY (")
    for name, body in TABLES.items()
}
"""How many columns of each table are written."""

INDEXES = {
    "activity_event_day": "activity (event_name, day, hour, occurence_count)",
    "activity_event_guild_day": "activity (event_name, associated_guild_id, day)"
    " WHERE associated_guild_id IS NOT NULL",
    "activity_event_channel_day": "activity (event_name, associated_channel_id, day)"
    " WHERE associated_channel_id IS NOT NULL",
    "sessions_started": "sessions (started_date)",
    "voice_sessions_started": "voice_sessions (started_date)",
    "dm_channels_user": "dm_channels_data (dm_user_id)",
    "guild_channels_guild": "guild_channels_data (guild_id)",
    "attachments_channel_day": "attachments (channel_id, day)",
}
"""What readers select by: an event in a range of days, of one guild or channel; a time."""

CALL_TIMES = """
    INSERT INTO call_times
    SELECT dm_user_id, MIN(user_name), COUNT(*), SUM(duration_mins), MAX(duration_mins),
           MAX(started_date)
    FROM voice_sessions JOIN dm_channels_data USING (channel_id)
    GROUP BY dm_user_id
"""
"""A call is a stay in the channel of a DM; so this is a person's time in calls with another."""
