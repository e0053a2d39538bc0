"""What a run against each quirk of ../shared/cases/endpoints has to do.

The tables list what a content editor sees: the pages, the messages and the number of requests. docs/troubleshooting.md
has an entry for each kind of quirk.
"""

from support.quirks import Case

# A failed request is sent once more. A new dialect is learned while up to six requests are in flight.
_ONCE_MORE = 12
# The brake on systematic failure needs a dozen answers, while six more are in flight.
_BRAKE = 18
# Every request is tried five times.
_TRIES = 30
_FULL_PRICE = 6 * (700 * 1 + 300 * 2) / 1e6

_REQUEST_DIALECTS = [
    Case("good", cost=_FULL_PRICE),
    Case("json_object_only_400", most=_ONCE_MORE, words=("json_object",)),
    Case("ignores_response_format", pages=0, exit_codes=(1, 2), most=_BRAKE, words=("answer_format",)),
    Case("no_max_tokens", most=_ONCE_MORE, words=("max_completion_tokens",)),
    Case("no_max_completion_tokens"),
    Case("no_temperature", most=_ONCE_MORE, words=("temperature",)),
    Case("gpt5", most=24, words=("max_completion_tokens", "temperature", "token limit")),
    Case("gpt5", model="gpt-5-mini", most=_ONCE_MORE, label="of-the-price-list"),
    Case("gpt5", settings="max_tokens = 8000", most=18, label="with-the-remedy"),
    Case("reasoning_eats_all", most=_ONCE_MORE, words=("token limit",)),
    Case("reasoning_eats_all", settings="max_tokens = 8000", label="with-the-remedy"),
    Case("reasoning_eats_all_stop", pages=0, exit_codes=(1, 2), most=_BRAKE, words=("max_tokens",)),
    Case("stream_only_400", most=_ONCE_MORE, words=("stream",)),
    Case("no_system_role", most=_ONCE_MORE, words=("system",)),
]

_SUCCESSES = [
    Case("fenced"),
    Case("think"),
    Case("error_200_429", most=_ONCE_MORE),
    Case("error_200_always", pages=0, exit_codes=(1,), most=60, speed=200, words=("Service temporarily overloaded",)),
    Case("error_200_key", pages=0, exit_codes=(2,), most=_ONCE_MORE, words=("Incorrect API key provided",)),
    Case("error_in_choice", most=_ONCE_MORE),
    Case("html_200", pages=0, exit_codes=(1, 2), most=_TRIES, words=("Sign in - Corp Proxy",)),
    Case("choices_empty", pages=0, exit_codes=(1, 2), most=_BRAKE, words=("choices",)),
    Case("body_empty", pages=0, exit_codes=(1, 2), most=_BRAKE, words=("empty",)),
    Case("body_null", pages=0, exit_codes=(2,), most=_BRAKE, words=("does not have the form of a completion",)),
    Case("refusal", pages=0, exit_codes=(1,), words=("I'm sorry, I can't assist with that request.",)),
    Case("refusal_empty_string"),
    Case("filter_200", pages=5, exit_codes=(1,), words=("content filter", "1 filtered")),
    Case("finish_null"),
    Case("finish_eos"),
    Case("ollama_cut", pages=0, exit_codes=(1, 2), most=_BRAKE, words=("cut off",)),
    Case("whitespace_loop", pages=0, exit_codes=(1, 2), most=_BRAKE, words=("max_tokens",)),
    Case("usage_null", cost=None, words=("unknown",)),
    Case("usage_missing", cost=None, words=("unknown",)),
    Case("usage_strings", cost=_FULL_PRICE),
    Case("usage_floats", cost=_FULL_PRICE),
    Case("usage_no_completion", cost=_FULL_PRICE),
    Case("usage_negative", cost=None, words=("unknown",)),
    Case("usage_openrouter_cost", words=("$0.0740",)),
    Case("usage_anthropic_style", cost=_FULL_PRICE),
    Case("other_model"),
    Case("nan_and_dupes", pages=0, exit_codes=(1, 2), most=_BRAKE, words=("worked_example",)),
    Case("duplicate_keys"),
    Case("lone_surrogate", pages=0, exit_codes=(1, 2), most=_BRAKE, words=("surrogate",)),
    Case("nul_chars"),
    Case("wrapped_array"),
    Case("bom"),
    Case("keepalive_blank"),
    Case("openrouter_comments"),
    Case("text_plain"),
    Case("latin1", most=24),  # its answers are not about the questions
    Case("gzip_body"),
    Case("gzip_anyway_unlabelled"),
    Case("br_label", pages=0, exit_codes=(1, 2), most=_TRIES, words=("br",)),
    Case("complete_but_length", cost=6 * (700 + 2 * 1200) / 1e6),
    Case("tool_calls_json"),
    Case("extra_key", most=_ONCE_MORE),
]

_NO_CREDIT = [
    Case("quota", pages=0, exit_codes=(2,), words=("You exceeded your current quota",)),
    Case("quota_type_only", pages=0, exit_codes=(2,), words=("You exceeded your current quota",)),
    Case("quota_gemini", pages=0, exit_codes=(1, 2), words=("Quota exceeded for metric",)),
    Case("quota_moonshot", pages=0, exit_codes=(2,), words=("is suspended",)),
    Case("quota_midrun", pages=4, exit_codes=(2,), words=("You exceeded your current quota", "4 written", "$0.0052")),
    Case("billing_hard_limit", pages=0, exit_codes=(2,), words=("Billing hard limit has been reached",)),
    Case("deepseek_402", pages=0, exit_codes=(2,), words=("Insufficient Balance",)),
]

_RATE_LIMITS = [
    *(
        Case(name, most=_ONCE_MORE, speed=60)
        for name in (
            "rl_seconds", "rl_negative", "rl_nan", "rl_inf", "rl_fraction", "rl_ms", "rl_1e400", "rl_soon", "rl_20s",
            "rl_date", "rl_date_past", "rl_date_no_zone", "skewed_clock", "rl_reset_only", "rl_detail",
        )
    ),
    Case("rl_day", pages=0, exit_codes=(1,), words=("24 h", "Rate limit reached for m")),
    Case(
        "rl_forever", pages=0, exit_codes=(1,), most=60, speed=200,
        words=("rate limited, next request in", "have rejected every request for", "Rate limit reached for m"),
    ),
    Case("rl_zero_forever", pages=0, exit_codes=(1,), most=200, speed=200, words=("Rate limit reached for m",)),
    *(
        Case(name)
        for name in (
            "hd_6m0s", "hd_zero_left_ms", "hd_zero_left_plain", "hd_zero_left_epoch", "hd_azure", "hd_groq_day",
            "hd_junk", "hd_big", "hd_groq_tpm",
        )
    ),
]  # fmt: skip

_STATUSES = [
    *(Case(name, most=_ONCE_MORE) for name in ("s409", "s421", "s423", "s425", "s499", "s529", "s413_groq", "s524")),
    Case("s401_once", most=7),
    Case("s403_waf", pages=5, exit_codes=(1,), most=7, words=("Attention Required! | Cloudflare", "5 written")),
    Case("s404_model", pages=0, exit_codes=(2,), most=_ONCE_MORE, words=("The model `m` does not exist",)),
    Case("s404_openrouter", pages=0, exit_codes=(2,), most=18, words=("No endpoints found",)),
    Case("s404_azure", pages=0, exit_codes=(2,), most=_ONCE_MORE, words=("Resource not found",)),
    Case("html_404", pages=0, exit_codes=(2,), most=_ONCE_MORE, words=("404 Not Found",)),
    Case("needs_v1", label="present"),
    Case("needs_v1", base="", pages=0, exit_codes=(2,), most=_ONCE_MORE, words=("/v1",), label="missing"),
    Case("s405", pages=0, exit_codes=(2,), most=_ONCE_MORE, words=("Method Not Allowed",)),
    Case("s501", pages=0, exit_codes=(1, 2), most=60, speed=200, words=("json_schema is not implemented",)),
    Case("s500_once", most=_ONCE_MORE),
    Case("s500_always", pages=0, exit_codes=(1, 2), most=60, speed=200, words=("Jinja Exception",)),
    Case("s503_loading", pages=0, exit_codes=(1, 2), most=60, speed=200, words=("Loading model",)),
    Case("s520_always", pages=0, exit_codes=(1, 2), most=60, speed=200, words=("error code: 520",)),
    Case("html_502", most=_ONCE_MORE),
    Case("error_string", pages=0, exit_codes=(2,), most=_ONCE_MORE, words=("requires more system memory (8.4 GiB)",)),
    Case("azure_filter", pages=5, exit_codes=(1,), words=("content management policy", "1 filtered")),
    Case("dashscope_filter", pages=5, exit_codes=(1,), words=("inappropriate content", "1 filtered")),
    Case("filter_first", pages=5, exit_codes=(1,), words=("content management policy", "1 filtered")),
    Case("context_exceeded"),
    Case("context_exceeded_all", pages=0, exit_codes=(1, 2), words=("maximum context length is 2048 tokens",)),
    Case("json_validate_failed", most=_ONCE_MORE),
    Case("redirect_301", most=18),
    Case("redirect_307", most=12),
    Case("redirect_307_loop", pages=0, exit_codes=(2,), most=18, words=("redirect",)),
    Case(
        "azure",
        base="/openai/deployments/dep?api-version=2024-10-21",
        settings='[headers]\napi-key = "$AZURE_KEY"',
        label="query-in-the-address",
    ),
    Case(
        "azure",
        base="/openai/deployments/dep",
        settings='[headers]\napi-key = "$AZURE_KEY"\n[query]\napi-version = "2024-10-21"',
        label="query-in-the-settings",
    ),
    Case(
        "azure",
        base="/openai/deployments/dep?api-version=2024-10-21",
        pages=0,
        exit_codes=(2,),
        most=_ONCE_MORE,
        words=("Access denied due to invalid subscription key",),
        label="without-its-key",
    ),
]

_WIRE = [
    *(
        Case(name, most=_ONCE_MORE)
        for name in (
            "reset_midbody", "chunked_truncated", "chunked_no_end", "close_before_answer", "gzip_corrupt",
            "gzip_truncated",
        )
    ),
    Case("http10"),
    Case("early_hints"),
    Case("junk_once", most=7),
    Case("short_content_length", pages=0, exit_codes=(1, 2), most=_TRIES, speed=100, words=("response",)),
    Case("bad_header", pages=0, exit_codes=(1, 2), most=_TRIES, speed=100, words=("header",)),
    Case("drip", pages=0, exit_codes=(1, 2), most=_BRAKE, settings="timeout = 20", words=("timeout",)),
    Case("never", pages=0, exit_codes=(1, 2), most=_BRAKE, settings="timeout = 20", words=("timeout",)),
    Case("slow6", pages=0, exit_codes=(1, 2), most=_BRAKE, settings="timeout = 3", words=("timeout",)),
    Case("slow6", settings="timeout = 60", label="with-the-remedy"),
    Case("huge", pages=0, exit_codes=(1, 2), questions=1, most=5, speed=1, settings="tries = 2", words=("large",)),
    Case("gzip_bomb", pages=0, exit_codes=(1, 2), questions=1, most=2, speed=1, settings="tries = 1", words=("large",)),
]  # fmt: skip

_OUTAGES = [
    *(
        Case(name, pages=20, questions=20, most=80, scales_date=True, words=(words,))
        for name, words in (
            ("outage_503", "endpoint down, next attempt in"),
            ("outage_503_retry_after", "endpoint down, next attempt in"),
            ("outage_429_25s", "rate limited, next request in"),
        )
    ),
    Case(
        "down_after_4",
        pages=4,
        exit_codes=(1,),
        most=12,
        speed=200,
        words=("nothing answers at", "4 written", "resume"),
    ),
]

CASES = [
    *_REQUEST_DIALECTS,
    *_SUCCESSES,
    *_NO_CREDIT,
    *_RATE_LIMITS,
    *_STATUSES,
    *_WIRE,
    *_OUTAGES,
]
