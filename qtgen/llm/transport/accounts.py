"""Errors that concern the whole account: it is blocked, has no credit, or has used up its daily limit."""

import re

from qtgen.errors import EndpointDown, ProviderError, ProviderUnusable
from qtgen.llm.transport.error_replies import UNKNOWN_STATUS, ErrorBody, Failure, reply_words

_NO_CREDIT = re.compile(
    r"insufficient quota|exceeded[ _](your[ _])?current[ _]quota|billing_error|credit limit|key limit exceeded|"
    r"account is not active|"
    r"(spend|spending|monthly usage|monthly budget) limit|"
    r"budget limit (of \S+ )?(is|was|has been)? ?(reached|exceeded)|"
    r"(?<!thinking )(?<!token )(?<!tokens )(?<!reasoning )\bbudget\b.{0,20}\bexceeded|"
    r"quota.{0,20}(not enough|insufficient|used up)",
    re.IGNORECASE | re.DOTALL,
)
# Neither a short wait nor the status changes what these mean.
_SURELY_NO_CREDIT = re.compile(
    r"insufficient_quota|exceeded_current_quota_error|billing[ _]hard[ _]limit|billing[ _](is[ _])?not[ _]active|"
    r"insufficient[ _](balance|funds|credits?)|out of credits?\b|not enough credits?\b|"
    r"\bno (more )?credits? (left|remaining|available)|\b(have|has) no (more )?credits?\b(?! card)|"
    r"\b(requires?|needs?) more credits?\b(?! of)|budget_exceeded|budget has been exceeded|"
    r"credit balance( is| has been)? (too low|not|insufficient|zero|exhausted|empty|negative|depleted)|"
    r"credits? (has|have|is|are) (been )?(exhausted|used up|depleted)|arrearage|\bis in arrears|"
    r"balance is (too low|not enough|insufficient)|payment required",
    re.IGNORECASE,
)
_CLOSED = (
    r"(suspended|deactivated|terminated|banned|disabled|blocked|flagged|restricted|closed)\b"
    r"(?! (once|if|when|unless|until|to)\b)"
)
_ACCOUNT = r"(account|organization|workspace|project|consumer)\b"
_ACCOUNT_CLOSED = re.compile(
    r"account_(deactivated|suspended|disabled)|access_terminated|"
    rf"(?<!if your )(?<!if the )(?<!\ban )(?<!\ba )(?<!whether your )\b{_ACCOUNT}"
    r"(?: [^\s;!?]*[^\s.;!?,:]){0,7}? (is|was|has been|have been)(?: (currently|temporarily|permanently|now))? "
    rf"{_CLOSED}|(?<!your )(?<!the )(?<!\ban )(?<!\ba )\b{_ACCOUNT} {_CLOSED}",
    re.IGNORECASE,
)
_BILLING = re.compile(r"\bbilling\b|\bbalance\b|\bpayment\b|\brecharge\b", re.IGNORECASE)
_DAILY = re.compile(r"per[ _-]?day|\bdaily\b|\b[RT]PD\b|PerDay|free-models-per-day", re.IGNORECASE)
_PER_MINUTE = re.compile(
    r"per[ _-]?min|\b[RT]PM\b|PerMinute|per[ _-]?sec|\b(the|this|each|every|a) (minute|second)\b", re.IGNORECASE
)
_QUESTION = re.compile(r"(?:^|(?<=[.:;!?]))[^.:;!?]*+\?")
_QUOTA_ID = re.compile(r"\b\w+Per(Day|Minute)\w*")
_CREDIT_STATUSES = frozenset({403, 429})
_ACCOUNT_STATUSES = frozenset({400, 401, 403, 429})
_SURE_STATUSES = _CREDIT_STATUSES | {400, 401, UNKNOWN_STATUS}
_MIN_RESET = 60.0  # seconds; a shorter wait is not the end of a daily limit
_SHORT_WAIT = 600.0  # seconds; a limit that passes sooner does not end a run
_ADD_CREDIT = "add credit to the account, then run again"


def blocked_account(failure: Failure) -> ProviderUnusable | None:
    """Return the error for an account that the provider has blocked, or None."""
    body = failure.body
    words = _own_words(body)
    if body.reply.status not in _ACCOUNT_STATUSES or not _ACCOUNT_CLOSED.search(words) or _passes_soon(failure):
        return None
    if _SURELY_NO_CREDIT.search(words) or _BILLING.search(words):
        return _no_credit(body)
    message = f"the account is blocked {reply_words(body)}"
    return ProviderUnusable(message, remedy="ask the provider, or use another account", reply=body.reply)


def lasting_limit(failure: Failure) -> ProviderError | None:
    """Return the error for a limit that does not pass within minutes, or None."""
    body = failure.body
    status = body.reply.status
    if status == 402 or (status in _SURE_STATUSES and _SURELY_NO_CREDIT.search(_own_words(body))):
        return _no_credit(body)
    quotas = {found[1] for found in _QUOTA_ID.finditer(body.words)}
    if _passes_soon(failure) and "Day" not in quotas:
        return None
    if status in (400, *_CREDIT_STATUSES) and _is_daily(body, quotas):
        resets = failure.wait is not None and failure.wait >= _MIN_RESET
        when = f", which is reset in {_duration(failure.wait or 0.0)}" if resets else ""
        return EndpointDown(f"the endpoint's daily limit is used up{when} {reply_words(body)}", reply=body.reply)
    is_per_minute = quotas or _PER_MINUTE.search(body.words)
    if status in _CREDIT_STATUSES and not is_per_minute and _NO_CREDIT.search(_own_words(body)):
        return _no_credit(body)
    return None


def _own_words(body: ErrorBody) -> str:
    """Return an error's words without any question, which may be a quotation of the request."""
    return body.words if body.reply.status == 429 else _QUESTION.sub("?", body.words)


def _passes_soon(failure: Failure) -> bool:
    return failure.body.reply.status == 429 and failure.wait is not None and failure.wait < _SHORT_WAIT


def _no_credit(body: ErrorBody) -> ProviderUnusable:
    message = f"the account has no credit left {reply_words(body)}"
    return ProviderUnusable(message, remedy=_ADD_CREDIT, reply=body.reply)


def _is_daily(body: ErrorBody, quotas: set[str]) -> bool:
    if quotas:
        return "Day" in quotas
    return body.reply.status in (403, 429) and bool(_DAILY.search(body.words)) and not _PER_MINUTE.search(body.words)


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:,.0f} h"
