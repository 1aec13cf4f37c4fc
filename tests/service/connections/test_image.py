"""The doubles stay where they belong: beside the service, never in it."""

from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_nothing_of_the_local_cloud_gets_into_the_image() -> None:
    dockerfile = (ROOT / "service" / "Dockerfile").read_text()
    copied = [line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    from_checkout = [names for names in copied if not names[0].startswith("--from=")]

    assert {name for names in from_checkout for name in names} == {
        "service/requirements.txt",
        "service/budgetbuddy",
    }
    for source in (ROOT / "service" / "budgetbuddy").rglob("*.py"):
        assert "localcloud" not in source.read_text(), source
