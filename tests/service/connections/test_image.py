"""The doubles stay where they belong: beside the service, never in it."""

from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_nothing_of_the_local_cloud_gets_into_the_image() -> None:
    dockerfile = (ROOT / "service" / "Dockerfile").read_text()
    copied = [line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY")]
    from_checkout = [name for names in copied for name in names if not name.startswith("--")]

    assert {name for name in from_checkout if not name.startswith("/build")} == {
        "service/requirements.txt",
        "service/budgetbuddy",
    }
    for source in (ROOT / "service" / "budgetbuddy").rglob("*.py"):
        assert "localcloud" not in source.read_text(), source
