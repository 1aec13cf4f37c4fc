"""Mail through Amazon SES."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from budgetbuddy.problems import Unavailable


class SesMail:
    """Sends plain text from one verified identity; implements `domain.identity.Mail`."""

    def __init__(self, ses: Any, sender: str) -> None:
        self._ses = ses
        self._sender = sender

    def send(self, to: str, subject: str, text: str) -> None:
        """Raises `Unavailable`: a code that was never mailed must not look as if it was."""
        try:
            self._ses.send_email(
                Source=self._sender,
                Destination={"ToAddresses": [to]},
                Message={
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                },
            )
        except (BotoCoreError, ClientError) as exc:
            raise Unavailable("the mail could not be sent", retry_after_seconds=30) from exc
