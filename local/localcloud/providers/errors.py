"""The one exception whose text the engine shows to its user."""


class ProviderError(Exception):
    """A refusal or failure to show as it is: one or two sentences, without a stack."""
