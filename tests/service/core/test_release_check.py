"""What ECS asks of a new release through the test port, asked of the service itself."""

from flask.testing import FlaskClient

from infra.lambdas.release_check import Answer, find_problems


def test_the_service_passes_the_check_of_a_release(client: FlaskClient) -> None:
    def ask(path: str) -> Answer:
        answer = client.get(path)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(status=answer.status_code, headers=headers, body=answer.data)

    assert find_problems({"release": "test"}, ask) == []
    assert find_problems({"release": "another"}, ask) == ["release test answers, not another"]
