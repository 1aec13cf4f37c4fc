"""Provider configuration: JSON strings, accounts, and endpoints that stay on this machine."""

import json

import pytest

from localcloud.providers.aws import config
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.errors import ProviderError

EMBEDDED = json.dumps([{"dynamodb": "http://127.0.0.1:4566", "sqs": "http://127.0.0.1:4567"}])


def test_every_value_may_be_a_json_text() -> None:
    parsed = config.parse(
        {
            "region": "eu-west-1",
            "defaultTags": '{"tags": {"owner": "platform"}}',
            "ignoreTags": '{"keys": ["a"], "keyPrefixes": ["aws:"]}',
            "skipCredentialsValidation": "false",
            "endpoints": EMBEDDED,
        }
    )

    assert parsed.region == "eu-west-1"
    assert parsed.default_tags == {"owner": "platform"}
    assert parsed.ignored_tags == {"a"}
    assert parsed.endpoint_of("sqs") == "http://127.0.0.1:4567"
    assert parsed.endpoint_of("kms") == "http://127.0.0.1:4566"


@pytest.mark.parametrize(
    "url",
    [
        "https://dynamodb.us-east-1.amazonaws.com",
        "http://10.0.0.1:4566",
        "http://0.0.0.0:4566",
        "http://localhost.example.com",
        "http://127.0.0.1.nip.io:4566",
        "4566",
    ],
)
def test_an_endpoint_beyond_this_machine_is_refused(url: str) -> None:
    raw = {"endpoints": json.dumps([{"dynamodb": url}])}

    with pytest.raises(ProviderError, match="loopback addresses only"):
        config.parse(raw)
    with pytest.raises(ProviderError, match="loopback addresses only"):
        config.check_endpoints(raw)


@pytest.mark.parametrize("url", ["http://localhost:1", "http://[::1]:1", "http://127.0.0.2:1"])
def test_an_endpoint_on_this_machine_is_taken(url: str) -> None:
    assert config.parse({"endpoints": [{"s3": url}]}).endpoint_of("s3") == url


def test_without_an_endpoint_there_is_nothing_to_create_in() -> None:
    with pytest.raises(ProviderError, match=r"has no embedded AWS.*use the real plugin"):
        ProviderConfig().endpoint_of("s3")


def test_the_account_is_the_access_key_when_that_is_one() -> None:
    assert config.parse({"accessKey": "123456789012"}).account == "123456789012"
    assert config.parse({"accessKey": "AKIAIOSFODNN7EXAMPLE"}).account == "000000000000"


def test_a_preview_without_an_endpoint_shows_the_one_allowed_account() -> None:
    assert config.parse({"allowedAccountIds": '["210987654321"]'}).account == "210987654321"


@pytest.mark.parametrize(
    "raw",
    [
        {"endpoints": EMBEDDED, "allowedAccountIds": '["210987654321"]'},
        {"forbiddenAccountIds": '["000000000000"]'},
    ],
)
def test_a_wrong_account_is_refused_in_the_real_words(raw: dict[str, str]) -> None:
    with pytest.raises(ProviderError, match=r"^AWS account ID not allowed: 000000000000$"):
        config.parse(raw)


def test_a_secret_key_never_shows_in_the_configurations_text() -> None:
    assert "hidden" not in repr(config.parse({"secretKey": "hidden"}))


@pytest.mark.emulator
def test_the_assumed_account_is_the_one_the_embedded_aws_says(cloud: object) -> None:
    answered = cloud.client("sts").get_caller_identity()["Account"]  # type: ignore[attr-defined] # duck-typed fixture

    assert config.parse({"accessKey": "test"}).account == answered
