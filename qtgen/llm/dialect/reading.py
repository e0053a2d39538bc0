"""What an endpoint's error says about the request that it rejected."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from qtgen.errors import ErrorReply
from qtgen.llm.dialect.limits import highest_limit
from qtgen.llm.dialect.quoting import without_prompt

# Errors about the question, the key or the account. No other form of the request would help.
_OF_CONTENT = re.compile(
    r"content[ _](?:management|filter|policy|moderation)|responsible ?ai|safety|flagged|moderation"
    r"|api[ _-]key|quota|billing|payment|insufficient (?:balance|funds|credit)|rate limit|unauthorized"
    r"|context[ _]length|context size|context window (?:is|of|exceed)|maximum context"
    r"|exceeds? (?:the )?(?:available |model'?s? )*context|(?:prompt|input) is too long|reduce the length"
    r"|too many (?:input |prompt )?tokens in"
)
_CODES_OF_CONTENT = (
    "content_filter", "context_length", "invalid_api_key", "quota", "model_not_found", "invalid_prompt",
)  # fmt: skip
_REJECTS = re.compile(
    r"support|unknown|unrecogni[sz]ed|unexpected|extra[ _](?:inputs?|fields?|forbidden)|forbidden|invalid"
    r"|not (?:be )?(?:\w+ )?(?:permitted|allowed|accepted|available|implemented|recogni[sz]ed|enabled|valid|defined)"
    r"|not (?:be )?(?:compatible|understood|possible)|cannot|can't|can not|can only|could not|additional propert"
    r"|unavailable|no such|deprecated|\bmust\b|\bonly\b|should|disallow|does(?: not|n't) exist|incompatible|removed"
    r"|out of range|unable|fail|illegal|unimplemented|too (?:large|high|many|complex)|not in\b|expected|malformed"
    r"|mutually exclusive|wrong|exceed|maximum|at most|less than|no endpoints? found"
    r"|不支持|非法|不合法|无效|未知|不允许"
)
_UNKNOWN = re.compile(
    r"unknown|unrecogni[sz]ed|unexpected (?:keyword|field|parameter|argument|property)|extra[ _](?:inputs?|fields?)"
    r"|extra_forbidden|cannot find field|additional propert|no such|not (?:be )?permitted|arguments? supplied"
    r"|does not exist|not (?:be )?recogni[sz]ed|unsupported (?:parameter|argument|field|propert|openai param)"
    r"|not support(?:ed)? parameters|invalid (?:parameter|argument|field)\b|未知"
)
_UNSUPPORTED = re.compile(
    r"unsupported|not (?:\w+ ){0,2}support|n't (?:\w+ )?support|not (?:be )?allowed|deprecated|instead|不支持"
)
_ROLES = re.compile(
    r"system (?:role|message|prompt|instruction)s?\b.{0,60}(?:support|allow|enabled|valid|accept|permitted)"
    r"|(?:support|allow|accept)\w*.{0,40}\bsystem (?:role|message|prompt|instruction)"
    r"|developer instruction|must (?:\w+ )?alternate|alternat\w+ between|cannot follow role"
    r"|only .{0,60}\broles? (?:is|are) (?:supported|allowed|accepted)"
    r"|messages?[\[.]\d+\]?\.role|(?:role|author)s?\b.{0,40}['\"`](?:system|developer)['\"`]"
    r"|['\"`](?:system|developer)['\"`].{0,40}\brole"
)
_WANTS_STREAM = re.compile(
    r"stream['\"`]? must be (?:set to )?true|stream(?:ing)?['\"`]? (?:mode )?is required|stream=true"
    r"|stream['\"`]?(?:: ?| ?= ?)false (?:is )?not (?:supported|allowed)|[只仅]支持(?:stream|流)"
    r"|only (?:\w+ ){0,3}support\w* (?:\w+ )?stream|must (?:be|use) stream"
    r"|(?:support|allow|accept)\w* (?:only )?(?:the )?stream(?:ing)?(?: \w+)? (?:only|requests?|mode|outputs?)"
    r"|(?:set|enable|use|with) ['\"`]?stream(?:=| to |: ?|ing)? ?(?:true|parameter|option)?"
    r"|non-stream\w*.{0,40}not (?:supported|allowed|available)|not support\w*.{0,30}(?:non-stream|non stream)"
)
_WORD_JSON = re.compile(r"must contain the word ['\"`]?json|word ['\"`]?json['\"`]? (?:must|should)")
_FLAG = re.compile(
    r"(?:parameter\.)?['\"`]?([a-z]\w*(?:_\w+)+)['\"`]? (?:must|should|needs to|has to) be (?:set to )?(true|false)\b"
)
_FORMAT = re.compile(
    r"response[_ ]?(?:json_)?(?:format|schema|mime_?type)|json[_ ]?(?:schema|object|mode)|structured[_ ]outputs?"
    r"|output[_ ]format|guided[_ ]|\bschema\b|requested parameters|grammar"
)
_FORMAT_NAMES = re.compile(r"response[_ ]?(?:json_)?(?:format|schema)|json[_ ]?schema")
_ECHO = re.compile(r"""['"]?input(?:_value)?['"]?\s*[:=]\s*[{\[].*""", re.DOTALL)  # pydantic repeats the request
# Words that occur in ordinary sentences. They name a field only if they are quoted or follow `parameter`.
_ORDINARY = frozenset(
    {"user", "stop", "n", "store", "tools", "metadata", "format", "pattern", "default", "title", "description"}
)
_LABEL = r"(?:parameter|argument|field|property|key|keyword|supplied)s?:?"


class Rejection:
    """An error, and the request document that was sent."""

    def __init__(self, reply: ErrorReply, sent: Mapping[str, Any]) -> None:
        self._message = without_prompt(_ECHO.sub("", reply.message), sent)
        self._text = self._message.lower()
        self._param = re.sub(r"^\(?['\"]?body['\"]?[,. ]+", "", reply.param.strip())
        self._code = f"{reply.code} {reply.type}".lower()
        self._sent = sent
        self._rejects = bool(_REJECTS.search(self._text)) or "unsupported" in self._code

    def has(self, *phrases: str) -> bool:
        """Return whether the message contains one of the phrases."""
        return any(phrase in self._text for phrase in phrases)

    @property
    def is_of_content(self) -> bool:
        """True if the question, the key or the account is the reason."""
        return any(code in self._code for code in _CODES_OF_CONTENT) or bool(_OF_CONTENT.search(self._text))

    @property
    def is_unknown(self) -> bool:
        """True if the endpoint does not know what it names."""
        return bool(_UNKNOWN.search(self._text)) or self._code.startswith("unknown")

    @property
    def is_unknown_or_unsupported(self) -> bool:
        """True if the endpoint does not know or does not support what it names."""
        return self.is_unknown or bool(_UNSUPPORTED.search(self._text)) or "unsupported_parameter" in self._code

    @property
    def wants_another_field(self) -> bool:
        """True if the endpoint wants another field instead of one."""
        return bool(re.search(r"requires?\b|\buse\b|instead|must", self._text))

    @property
    def is_of_roles(self) -> bool:
        """True if the role of a message is the reason."""
        return bool(_ROLES.search(self._text)) or bool(re.fullmatch(r"messages.*role", self._param))

    @property
    def wants_stream(self) -> bool:
        """True if the endpoint only streams."""
        return bool(_WANTS_STREAM.search(self._text))

    @property
    def wants_word_json(self) -> bool:
        """True if a message must contain the word JSON."""
        return bool(_WORD_JSON.search(self._text))

    @property
    def demanded_flag(self) -> tuple[str, bool] | None:
        """A field that must be true or false, and which of them."""
        found = _FLAG.search(self._text)
        return (found[1], found[2] == "true") if found else None

    @property
    def is_of_format(self) -> bool:
        """True if the format of answers, or its schema, is the reason."""
        return self._rejects and bool(_FORMAT.search(self._text) or self._param.startswith("response_format"))

    @property
    def is_of_whole_field(self) -> bool:
        """True if the endpoint does not know `response_format` at all."""
        inner = re.search(r"json_?schema|response_format['\"`, .\]\[]+(?:type|json)|\btype\b", self._text)
        is_named = self._param == "response_format" or "response_format" in self._text
        return is_named and inner is None and self.is_unknown

    @property
    def is_of_schema(self) -> bool:
        """True if something in the schema is the reason, instead of the format."""
        return "schema" in _FORMAT_NAMES.sub("", self._text) or self.has("states for serving", "grammar", "too complex")

    @property
    def offers_json_schema(self) -> bool:
        """True if the endpoint wants `json_schema` instead of `json_object`."""
        return bool(re.search(r"(?:must be|one of|\bonly\b|use|expected|support)[^.]*json_schema", self._text))

    def names(self, *names: str) -> bool:
        """Return whether the message rejects one of the fields."""
        return self._rejects and any(self._place(name) >= 0 for name in names)

    def mentions(self, name: str) -> bool:
        """Return whether the message contains the name of a field."""
        return self._place(name) >= 0

    def names_quoted(self, name: str) -> bool:
        """Return whether the message rejects a field that it quotes, or that is the last part of its `param`."""
        return self._rejects and (self._quoted_place(name) >= 0 or self._param.endswith(f".{name}"))

    def names_keyword(self, keyword: str) -> bool:
        """Return whether the message rejects a keyword of the schema."""
        snake = re.sub(r"([A-Z])", r"_\1", keyword).lower()
        return not self.demands(keyword) and self.names(keyword, snake)

    def demands(self, keyword: str) -> bool:
        """Return whether the message demands a keyword of the schema."""
        demanded = re.search(
            r"is required|must be (?:supplied|set|false|present)|to be supplied|must include", self._text
        )
        return demanded is not None and self._place(keyword) >= 0

    def last_place(self, name: str) -> int:
        """Return where the message names a field last. The one that `param` names counts most."""
        if self._is_param(name):
            return len(self._text)
        return max((match.start() for match in re.finditer(rf"\b{re.escape(name.lower())}\b", self._text)), default=-1)

    def highest_limit(self, *, below: int, least: int) -> int | None:
        """Return the highest token limit that the message allows, or None if that is unclear."""
        return highest_limit(self._text, below=below, least=least)

    @cached_property
    def _param_name(self) -> str:
        return re.split(r"[.\[]", self._param)[0]

    def _is_param(self, name: str) -> bool:
        return bool(self._param) and name in (self._param, self._param_name)

    def _place(self, name: str) -> int:
        """Return where a field is named, or -1. A model's field may be written in camel case."""
        if self._is_param(name):
            return 0
        if name in _ORDINARY:
            return self._quoted_place(name)
        camel = re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
        found = re.search(
            rf"(?<![\w-])(?:{re.escape(name)}|{re.escape(camel)})(?![\w-])", self._message, re.IGNORECASE | re.ASCII
        )
        return found.start() if found else -1

    def _quoted_place(self, name: str) -> int:
        word = re.escape(name)
        quoted = rf"""['"`]{word}['"`]|{_LABEL} {word}\b|^(?:body\.)?{word}: """
        found = re.search(quoted, self._message, re.IGNORECASE)
        return found.start() if found else -1
