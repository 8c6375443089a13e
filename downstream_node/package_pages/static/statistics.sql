-- What the page asks the statistics of a package, in the browser. Each question begins with its
-- name, and may use :from and :to, days such as 2024-04-26 (UTC), both included.

-- name: owner
SELECT package_owner_name AS name, package_owner_display_name AS display, package_is_partial AS partial
FROM package_data;

-- name: span
SELECT MIN(day) AS first, MAX(day) AS last
FROM (
    SELECT MIN(day) AS day FROM activity
    UNION ALL SELECT MAX(day) FROM activity
    UNION ALL SELECT MIN(payment_date) FROM payments
    UNION ALL SELECT MAX(payment_date) FROM payments
    UNION ALL SELECT DATE(MIN(CAST(started_date AS REAL)), 'unixepoch') FROM sessions
    UNION ALL SELECT DATE(MAX(CAST(started_date AS REAL)), 'unixepoch') FROM sessions
    UNION ALL SELECT DATE(MIN(CAST(started_date AS REAL)), 'unixepoch') FROM voice_sessions
    UNION ALL SELECT DATE(MAX(CAST(started_date AS REAL)), 'unixepoch') FROM voice_sessions
);

-- name: messages
SELECT day, hour, SUM(occurence_count) AS messages
FROM activity
WHERE event_name = 'message_sent' AND day BETWEEN :from AND :to
GROUP BY day, hour
ORDER BY day, hour;

-- name: channels
WITH sent AS (
    SELECT associated_channel_id AS id, SUM(occurence_count) AS messages
    FROM activity
    WHERE event_name = 'message_sent' AND day BETWEEN :from AND :to
    GROUP BY associated_channel_id
)
SELECT
    COALESCE(own.channel_name, groups.channel_name, others.channel_name) AS name,
    guilds.guild_name AS server,
    CASE WHEN own.channel_id THEN 'server' WHEN groups.channel_id THEN 'group' ELSE 'other' END AS kind,
    sent.messages
FROM sent
LEFT JOIN guild_channels_data AS own ON own.channel_id = sent.id
LEFT JOIN guilds ON guilds.guild_id = own.guild_id
LEFT JOIN group_channels_data AS groups ON groups.channel_id = sent.id
LEFT JOIN other_channels_data AS others ON others.channel_id = sent.id
WHERE sent.id NOT IN (SELECT channel_id FROM dm_channels_data)
ORDER BY sent.messages DESC, name
LIMIT 200;

-- name: people
WITH sent AS (
    SELECT dms.dm_user_id AS id, SUM(occurence_count) AS messages
    FROM activity JOIN dm_channels_data AS dms ON dms.channel_id = associated_channel_id
    WHERE event_name = 'message_sent' AND day BETWEEN :from AND :to
    GROUP BY dms.dm_user_id
), called AS (
    SELECT dms.dm_user_id AS id, COUNT(*) AS calls, SUM(duration_mins) AS minutes
    FROM voice_sessions JOIN dm_channels_data AS dms USING (channel_id)
    WHERE CAST(started_date AS REAL) >= UNIXEPOCH(:from)
        AND CAST(started_date AS REAL) < UNIXEPOCH(:to, '+1 day')
    GROUP BY dms.dm_user_id
), people AS (
    SELECT dm_user_id AS id, MIN(user_name) AS name, MIN(display_name) AS display
    FROM dm_channels_data
    GROUP BY dm_user_id
)
SELECT
    COALESCE(display, name) AS name,
    COALESCE(messages, 0) AS messages,
    COALESCE(calls, 0) AS calls,
    COALESCE(minutes, 0) AS minutes
FROM people LEFT JOIN sent USING (id) LEFT JOIN called USING (id)
WHERE messages > 0 OR calls > 0
ORDER BY messages DESC, minutes DESC, name
LIMIT 200;

-- name: servers
WITH sent AS (
    SELECT associated_guild_id AS id, SUM(occurence_count) AS messages
    FROM activity
    WHERE event_name = 'message_sent' AND associated_guild_id IS NOT NULL
        AND day BETWEEN :from AND :to
    GROUP BY associated_guild_id
), joined AS (
    SELECT associated_guild_id AS id, MIN(day) AS day
    FROM activity
    WHERE event_name = 'guild_joined' AND associated_guild_id IS NOT NULL
    GROUP BY associated_guild_id
)
SELECT guilds.guild_name AS name, COALESCE(sent.messages, 0) AS messages, joined.day AS joined
FROM guilds
LEFT JOIN sent ON sent.id = guilds.guild_id
LEFT JOIN joined ON joined.id = guilds.guild_id
ORDER BY messages DESC, name
LIMIT 500;

-- name: voice
SELECT
    DATE(CAST(started_date AS REAL), 'unixepoch') AS day,
    COUNT(*) AS stays,
    SUM(duration_mins) AS minutes
FROM voice_sessions
WHERE CAST(started_date AS REAL) >= UNIXEPOCH(:from)
    AND CAST(started_date AS REAL) < UNIXEPOCH(:to, '+1 day')
GROUP BY day
ORDER BY day;

-- name: sessions
SELECT
    DATE(CAST(started_date AS REAL), 'unixepoch') AS day,
    COUNT(*) AS sessions,
    SUM(duration_mins) AS minutes
FROM sessions
WHERE CAST(started_date AS REAL) >= UNIXEPOCH(:from)
    AND CAST(started_date AS REAL) < UNIXEPOCH(:to, '+1 day')
GROUP BY day
ORDER BY day;

-- name: devices
SELECT device_os AS name, COUNT(*) AS sessions, SUM(duration_mins) AS minutes
FROM sessions
WHERE CAST(started_date AS REAL) >= UNIXEPOCH(:from)
    AND CAST(started_date AS REAL) < UNIXEPOCH(:to, '+1 day')
GROUP BY device_os
ORDER BY minutes DESC, name;

-- name: attachments
SELECT day, SUM(attachment_count) AS files
FROM attachments
WHERE day BETWEEN :from AND :to
GROUP BY day
ORDER BY day;

-- name: payments
SELECT
    payment_date AS day,
    payment_description AS description,
    UPPER(payment_currency) AS currency,
    payment_amount / 100.0 AS amount
FROM payments
WHERE payment_date BETWEEN :from AND :to
ORDER BY payment_date DESC, payment_id;

-- name: reactions
SELECT extra_field_1 AS name, extra_field_2 = '1' AS custom, SUM(occurence_count) AS times
FROM activity
WHERE event_name = 'add_reaction' AND day BETWEEN :from AND :to
GROUP BY extra_field_1, extra_field_2
ORDER BY times DESC, name
LIMIT 100;

-- name: events
SELECT event_name AS name, SUM(occurence_count) AS times
FROM activity
WHERE event_name <> 'message_sent' AND day BETWEEN :from AND :to
GROUP BY event_name
ORDER BY times DESC, name;

-- name: missing
SELECT part, problem, count FROM missing ORDER BY part, problem;

-- name: questions
SELECT name, question, query FROM docs ORDER BY rowid;
