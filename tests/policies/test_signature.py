"""A bundle is signed with a local key, and every change of it shows."""

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from guardrails.evidence import signature
from guardrails.evidence.signature import SignatureError

SEED = bytes(range(32))
KEY = signature.SecretKey(b"guardkey", SEED)


@pytest.fixture(scope="module")
def made(recorded_preview: Path, harness: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a bundle that is signed with it; tests change copies."""
    made, run = tmp_path_factory.mktemp("signed"), harness.command
    key = made / "own.key"
    assert run("key", key).returncode == 0
    assert run("evidence", recorded_preview, "--out", made / "out", "--sign", key).returncode == 1
    return made


@pytest.fixture
def key(made: Path, tmp_path: Path) -> Path:
    for name in ("own.key", "own.pub"):
        shutil.copy2(made / name, tmp_path / name)
    return tmp_path / "own.key"


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made / "out", tmp_path / "out")


def test_a_signed_bundle_is_verified_with_the_public_key(run: Any, bundle: Path, key: Path) -> None:
    done = run("verify", bundle, "--key", key.with_suffix(".pub"))

    assert done.returncode == 0
    assert "signed and unchanged" in done.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: (b / "evidence.csv").write_text("clean"), "evidence.csv was changed"),
        (lambda b: (b / "controls" / "DDB-01.html").unlink(), "DDB-01.html is missing"),
        (lambda b: (b / "manifest.json.minisig").unlink(), "manifest.json.minisig is missing"),
        (
            lambda b: (b / "manifest.json").write_text(
                (b / "manifest.json").read_text().replace('"dirty"', '"Dirty"')
            ),
            "does not fit the content",
        ),
        (lambda b: (b / "manifest.json.minisig").write_text("x"), "no minisign file"),
    ],
    ids=["file", "lost page", "no signature", "manifest", "garbage"],
)
def test_every_change_shows(run: Any, bundle: Path, key: Path, change: Any, said: str) -> None:
    change(bundle)

    done = run("verify", bundle, "--key", key.with_suffix(".pub"))

    assert done.returncode == 1
    assert said in done.stdout


def test_hashes_are_checked_without_a_key_too(run: Any, bundle: Path) -> None:
    assert "not asked for" in run("verify", bundle).stdout
    (bundle / "index.html").write_text("")
    assert run("verify", bundle).returncode == 1


def test_the_key_of_another_proves_nothing(run: Any, bundle: Path, tmp_path: Path) -> None:
    run("key", tmp_path / "other.key")

    done = run("verify", bundle, "--key", tmp_path / "other.pub")

    assert done.returncode == 1
    assert "another key signed it" in done.stdout


def test_a_new_bundle_does_not_keep_an_old_signature(run: Any, bundle: Path, preview: Path) -> None:
    run("evidence", preview, "--out", bundle)

    assert not (bundle / "manifest.json.minisig").exists()


def test_a_key_is_for_its_owner_and_never_overwritten(run: Any, key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_text()

    done = run("key", key)

    assert done.returncode == 2
    assert key.read_text() == before
    assert before.splitlines()[1] not in done.stdout + done.stderr


@pytest.mark.parametrize("content", ["", "a\nb\n", "a\n" + "QUJD\n", None])
def test_what_is_no_key_is_said_without_a_traceback(
    run: Any, bundle: Path, tmp_path: Path, preview: Path, content: str | None
) -> None:
    odd = tmp_path / "odd"
    if content is not None:
        odd.write_text(content)

    for done in (
        run("verify", bundle, "--key", odd),
        run("evidence", preview, "--out", tmp_path / "again", "--sign", odd),
    ):
        assert done.returncode == 2
        assert "do:" in done.stderr


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"files": {}}', '{"files": {"../x": "0"}}'])
def test_what_is_no_bundle_cannot_be_verified(run: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)

    assert run("verify", tmp_path).returncode == 2


def test_signatures_are_reproducible_and_bind_their_comment() -> None:
    signed = KEY.sign(b"content", "timestamp:1")

    assert signed == KEY.sign(b"content", "timestamp:1")
    assert signature.verify(b"content", signed, KEY.public) == "timestamp:1"
    with pytest.raises(SignatureError, match="does not fit"):
        signature.verify(b"content", signed.replace("timestamp:1", "timestamp:2"), KEY.public)
    with pytest.raises(SignatureError, match="does not fit"):
        signature.verify(b"other", signed, KEY.public)


def test_keys_survive_being_written_and_read() -> None:
    assert signature.secret_key(KEY.text()) == KEY
    assert signature.public_key(KEY.public.text()) == KEY.public
    assert SEED.hex() not in repr(KEY)
    assert "SecretKey(...)" in f"{KEY}"


def test_a_damaged_or_encrypted_key_is_refused() -> None:
    comment, line = KEY.text().splitlines()
    raw = bytearray(signature.b64decode(line))
    raw[-40] ^= 1
    damaged = f"{comment}\n{signature.b64encode(bytes(raw)).decode()}\n"
    raw[2:4] = b"Sc"
    encrypted = f"{comment}\n{signature.b64encode(bytes(raw)).decode()}\n"

    with pytest.raises(SignatureError, match="checksum"):
        signature.secret_key(damaged)
    with pytest.raises(SignatureError, match="password"):
        signature.secret_key(encrypted)
