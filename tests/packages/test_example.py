"""The demo: a package like any other, the same each time."""

import zipfile

from packages.journey import opened

from downstream_node.packages.example import CHANNELS, FRIENDS, GUILDS, example_result, package


def test_the_package_is_the_same_each_time() -> None:
    """Nothing of it depends on time or chance."""
    assert package().getvalue() == package().getvalue()


def test_the_result_is_the_same_each_time() -> None:
    """Made anew, not taken from memory."""
    first = example_result()
    example_result.cache_clear()
    assert example_result() == first


def test_it_is_of_the_size_of_the_documents_demo() -> None:
    """100 conversations, 100 guilds, 100 channels; thousands of rows of activity; nobody real."""
    with opened(example_result()) as database:
        counts = {
            table: database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608 - ours
            for table in ("dm_channels_data", "guilds", "guild_channels_data", "activity")
        }
        partial = database.execute("SELECT package_is_partial FROM package_data").fetchone()
    database.close()
    assert counts.pop("activity") > 5000
    assert list(counts.values()) == [FRIENDS, GUILDS, CHANNELS]
    assert partial == (0,)


def test_it_is_a_package_as_people_get_them() -> None:
    """With the folders of an English one."""
    with zipfile.ZipFile(package()) as archive:
        folders = {name.partition("/")[0] for name in archive.namelist()}
    assert folders == {"Account", "Servers", "Messages", "Activity"}
