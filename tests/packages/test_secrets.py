"""What follows from a secret, and which texts are links: S7 and S10 of the original's defects."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.errors import InvalidSettings, PackageRefused
from downstream_node.packages.links import (
    PREFIX,
    Link,
    Origin,
    allowed_origins,
    read_link,
    redirected,
)
from downstream_node.packages.secrets import LONGEST, Secret, presented, uploader

UPN = "u001.AbC-" * 56
LINK = PREFIX + UPN
ALLOWED = allowed_origins("files.example.org, http://127.0.0.1:8123,https://[::1]:9443")


def hkdf(secret: str, info: bytes) -> bytes:
    """RFC 5869 by hand: extract without a salt, expand to one block."""
    extracted = hmac.digest(bytes(32), secret.encode(), "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


def refusal_of(value: object, allowed: frozenset[Origin] = ALLOWED) -> str:
    """The code with which *value* is refused as a link; its sentence repeats nothing of it."""
    with pytest.raises(PackageRefused) as caught:
        read_link(value, allowed)
    assert str(caught.value) == "The link does not lead to a package."
    return caught.value.code


# Secrets


def test_id_and_keys_are_those_of_the_document() -> None:
    """Made again by hand, as a browser makes them."""
    secret = Secret(UPN)
    named = hashlib.sha256(b"downstream package id 1\0" + UPN.encode()).digest()[:16]
    assert secret.package_id == named.hex()
    assert secret.key == hkdf(UPN, b"downstream package key 1" + named)
    assert secret.upload_key == hkdf(UPN, b"downstream upload key 1" + named)


def test_s6_nothing_stored_leads_to_the_key() -> None:
    """Id and keys are no plain hashes of the secret and no parts of each other."""
    secret = Secret(UPN)
    plain = {hashlib.new(name, UPN.encode()).digest() for name in ("md5", "sha256")}
    made = [bytes.fromhex(secret.package_id), secret.key, secret.upload_key]
    assert not plain & set(made)
    assert len({value[:16] for value in [*made, *plain]}) == 5


def test_secrets_do_not_show_themselves() -> None:
    """Neither a secret nor a link has it in its text form."""
    link = read_link(LINK)
    assert UPN not in f"{link!r} {link} {link.secret!r} {link.secret}"


def test_a_secret_opens_its_own_package_alone() -> None:
    """Another one does not, nor what is no id at all."""
    secret = Secret(UPN)
    assert secret.opens(secret.package_id)
    assert not secret.opens(Secret(UPN + "a").package_id)
    assert not secret.opens("")
    assert not secret.opens("ä")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "UPN", "x"])
def test_any_scheme_presents_a_secret(scheme: str) -> None:
    """As the document says."""
    assert presented(f"{scheme} {UPN}") == Secret(UPN)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "x", UPN, "Bearer", "Bearer ", f"Bearer {UPN} more", f"Bearer {UPN}\n"),
        *("Bearer ä", "Bearer a b", f"Bearer {'a' * (LONGEST + 1)}", "\0 \0", " Bearer x"),
    ],
)
def test_s10_other_headers_present_nothing(header: str | None) -> None:
    """The original answered 500 to "Authorization: x"."""
    assert presented(header) is None


@pytest.mark.parametrize(
    "text", [None, 7, "", "a" * 42, "a" * (LONGEST + 1), "a" * 43 + "\n", "a" * 43 + ".", ["a"]]
)
def test_secrets_of_uploads_are_long_enough(text: object) -> None:
    """32 random bytes in base64url have 43 characters."""
    with pytest.raises(PackageRefused, match="not the secret") as caught:
        uploader(text)
    assert caught.value.code == "INVALID_SECRET"


def test_a_client_makes_the_secret_of_an_upload() -> None:
    """Base64url of 32 bytes."""
    assert uploader("a-_Z" * 11).text == "a-_Z" * 11


# Links


@pytest.mark.parametrize("length", [500, 501, LONGEST])
def test_links_of_discord(length: int) -> None:
    """The UPN is the secret, from 500 characters on."""
    upn = ("Ab1._-" * LONGEST)[:length]
    assert read_link(PREFIX + upn) == Link(PREFIX + upn, Secret(upn))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(PREFIX + "a" * 499, id="too short"),
        pytest.param(PREFIX + "a" * (LONGEST + 1), id="too long"),
        pytest.param(LINK + "\n", id="newline at the end"),
        pytest.param(" " + LINK, id="space before"),
        pytest.param(LINK + "; rm -rf $HOME", id="S1 a command"),
        pytest.param(LINK + "`id`", id="S1 a substitution"),
        pytest.param(LINK + "&upn=x", id="another field"),
        pytest.param("x" + LINK, id="not at the start"),
        pytest.param(LINK.replace("https", "http"), id="not encrypted"),
        pytest.param(LINK.replace("discord.com", "discord.com.evil.org"), id="another host"),
        pytest.param(LINK.replace("click.", "me@click."), id="a name in it"),
        pytest.param(LINK.replace("click", "CLICK"), id="capitals"),
        pytest.param(LINK.replace(".com", ".com:443"), id="a port"),
        pytest.param(PREFIX + "ä" * 500, id="letters that are not ASCII"),
        pytest.param(PREFIX + "\u0661" * 500, id="digits that are not ASCII"),
    ],
)
def test_s1_s10_links_are_matched_from_end_to_end(value: str) -> None:
    """The original's pattern had no end, and pasted the rest into a shell."""
    assert refusal_of(value) == "INVALID_LINK"


@pytest.mark.parametrize(
    "value", [None, 7, 1.5, True, [], {}, b"x", [LINK], {"link": LINK}, "\ud800"]
)
def test_s10_what_is_no_text_is_refused(value: object) -> None:
    """With the code of a wrong link, where the original failed with 500."""
    assert refusal_of(value) == "INVALID_LINK"


@pytest.mark.parametrize(
    "url",
    [
        *("https://files.example.org/p.zip", "http://127.0.0.1:8123/a/b?c=d&e=%20"),
        *("https://[::1]:9443/x", "https://files.example.org/"),
    ],
)
def test_allowed_hosts_are_links(url: str) -> None:
    """The secret is the whole link in base64url, so that a client can make it, too."""
    link = read_link(url, ALLOWED)
    padding = "=" * (-len(link.secret.text) % 4)
    assert base64.urlsafe_b64decode(link.secret.text + padding).decode() == url
    assert link.url == url


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://files.example.org.evil.net/p.zip", id="look-alike"),
        pytest.param("https://files.example.org", id="no path"),
        pytest.param("https://files.example.org@evil.net/p.zip", id="host as a name"),
        pytest.param("https://files.example.org:8443/p.zip", id="another port"),
        pytest.param("https://files.example.org:443/p.zip", id="a port that was not written"),
        pytest.param("http://files.example.org/p.zip", id="not encrypted"),
        pytest.param("https://FILES.example.org/p.zip", id="capitals"),
        pytest.param("https://127.0.0.1:8123/p.zip", id="encrypted where it is not"),
        pytest.param("http://127.0.0.1:81234/p.zip", id="longer port"),
        pytest.param("http://127.0.0.1/p.zip", id="no port"),
        pytest.param("http://127.0.0.1:8123/p.zip#x", id="fragment"),
        pytest.param("http://127.0.0.1:8123/p q", id="space"),
        pytest.param("http://127.0.0.1:8123/p\r\nX: y", id="a header"),
        pytest.param("http://127.0.0.1:8123\\@evil.net/", id="backslash"),
        pytest.param("http://127.0.0.1:8123/" + "a" * LONGEST, id="too long to be a secret"),
        pytest.param("file:///etc/passwd", id="file"),
    ],
)
def test_s7_allowed_hosts_are_exact(url: str) -> None:
    """The original compared the start of the text, so a look-alike host passed."""
    assert refusal_of(url) == "INVALID_LINK"


def test_s7_two_hosts_have_two_ids() -> None:
    """The original left the host out of the id."""
    allowed = allowed_origins("one.example,two.example,http://one.example")
    starts = ("https://one.example/p", "https://two.example/p", "http://one.example/p")
    assert len({read_link(url, allowed).secret.package_id for url in starts}) == 3


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(),
        st.text().map(lambda text: LINK + text),
        st.text().map(lambda text: "https://files.example.org/" + text),
        st.text().map(lambda text: "https://files.example.org" + text),
        st.text(max_size=4).map(lambda text: LINK[:10] + text + LINK[10:]),
    )
)
def test_any_text_is_a_link_or_a_refusal(text: str) -> None:
    """Nothing else is raised, and what passes is ASCII that starts with an allowed host."""
    try:
        link = read_link(text, ALLOWED)
    except PackageRefused:
        assert refusal_of(text) == "INVALID_LINK"
        return
    assert link.url == text
    assert text.startswith((PREFIX, "https://files.example.org/"))
    assert text.isascii()
    assert text.isprintable()


# The setting


def test_hosts_of_the_setting() -> None:
    """Encrypted unless it says http; the usual ports unless it says another."""
    assert sorted(ALLOWED) == [
        Origin("http", "127.0.0.1", 8123),
        Origin("https", "[::1]", 9443),
        Origin("https", "files.example.org", 443),
    ]
    assert allowed_origins("") == allowed_origins(" , ") == frozenset()


@pytest.mark.parametrize(
    "setting",
    [
        *("https://", "a/b", "https://a/", "a:b", "a:0", "a:65536", "ftp://a", "*.example.org"),
        *("me@a", "a b", "a:", "-a", "http://a?b", "a\\b", "a#b", "[::1", "::1", "ä.de", "a:²"),
    ],
)
def test_wrong_hosts_name_themselves(setting: str) -> None:
    """What is no host is an error at start, not a host that is never matched."""
    with pytest.raises(InvalidSettings, match="PACKAGES_ALLOWED_HOSTS has"):
        allowed_origins(f"good.example, {setting}")


# Redirects


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://storage.example/p?s=1#f", "https://storage.example/p?s=1"),
        ("/other", "https://click.discord.com/other"),
        ("//storage.example/p", "https://storage.example/p"),
        ("https://storage.example:443/p", "https://storage.example:443/p"),
        ("http://127.0.0.1:8123/p", "http://127.0.0.1:8123/p"),
    ],
)
def test_redirects_lead_to_https(location: str, expected: str) -> None:
    """To any host; to http where it is allowed."""
    assert redirected(LINK, location, ALLOWED) == expected


@pytest.mark.parametrize(
    "location",
    [
        *("http://storage.example/p", "ftp://storage.example/p", "file:///etc/passwd", "data:,x"),
        *("https://storage.example:22/p", "https://me:pw@storage.example/p"),
        *("https://storage.example/\r\nX: y", "https://storage.example/ä", "https://[::1/p"),
        *("https://stor age/", "http://127.0.0.1:8124/p", "https://a%00b/", "https://a:99999999/"),
        *("https://storage.example\\@evil/", "gopher://a/", "https://[fe80::1%25eth0]/"),
    ],
)
def test_s8_other_redirects_are_refused(location: str) -> None:
    """Each target is held against the rules of links."""
    with pytest.raises(PackageRefused) as caught:
        redirected(LINK, location, ALLOWED)
    assert caught.value.code == "INVALID_LINK"


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_redirect_is_checked_or_refused(location: str) -> None:
    """Nothing but a refusal is raised, and what passes is https to a clean address."""
    try:
        target = redirected(LINK, location, frozenset())
    except PackageRefused:
        return
    assert target.startswith("https://")
    assert Origin.of(target).port == 443
