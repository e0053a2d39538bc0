"""The layer that retries requests without a grammar if the endpoint rejects it."""

import json
import logging
from dataclasses import replace

from qtgen.errors import BadRequest
from qtgen.llm.endpoint import encode_document
from qtgen.llm.sender import Request, Sender
from qtgen.llm.types import Completion

_logger = logging.getLogger(__name__)


class GrammarSender:
    """Retries a request without its grammar if the endpoint rejects it, and sends later requests without one.

    The key of a request stays the same, so the next run, which tries the grammar again, finds the answer in the ledger.

    Attributes:
        rejection: The endpoint's message, or an empty string if no grammar was rejected.
    """

    def __init__(self, inner: Sender) -> None:
        self._inner = inner
        self.rejection = ""

    async def send(self, request: Request) -> Completion:
        document = json.loads(request.body) if b'"grammar":' in request.body else {}
        if not document.pop("grammar", None):
            return await self._inner.send(request)
        plain = replace(request, body=encode_document(document))
        if self.rejection:
            return await self._inner.send(plain)
        try:
            return await self._inner.send(request)
        except BadRequest as error:
            completion = await self._inner.send(plain)
            if self.rejection:  # another request in flight has shown it
                return completion
            _logger.warning("the endpoint rejected a grammar, so requests are sent without one: %s", error)
            self.rejection = str(error)
            return completion
