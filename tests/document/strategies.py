"""Valid policy documents at random, as plain data (hypothesis)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]

TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t\n\r"),
    min_size=1,
    max_size=8,
)
ZONES = st.sampled_from(["Europe/London", "Asia/Kolkata", "America/New_York", "UTC", "Etc/GMT+5"])
WORDS = st.sampled_from(["allow", "deny"])
NUMBERS = st.one_of(
    st.integers(0, 10**9),
    st.decimals(0, 10**6, allow_nan=False, places=7),
    st.integers(0, 10**30).map(lambda digits: Decimal(digits).scaleb(-30)),
    st.integers(1, 10**6).map(lambda digits: Decimal(digits).scaleb(-200)),
)
DURATIONS = st.one_of(
    st.integers(0, 400).map(lambda days: f"{days}d"),
    st.integers(0, 9600 * 60).map(lambda minutes: f"{minutes}m"),
    st.integers(0, 9600 * 3600).map(lambda seconds: f"PT{seconds}S"),
    st.integers(0, 57).map(lambda weeks: f"P{weeks}W"),
)
DATES = st.dates(date(1970, 1, 1), date(2199, 12, 31)).map(date.isoformat)
MONTHS = st.lists(st.integers(1, 12), max_size=4)
RULES = st.sampled_from(
    ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SA,SU", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;COUNT=3"]
)
SCOPES = st.fixed_dictionaries(
    {},
    optional={
        name: st.lists(TEXTS, min_size=1, max_size=2)
        for name in ("environments", "namespaces", "services", "repositories")
    },
)
CELLS = st.one_of(WORDS, st.fixed_dictionaries({}, optional={"human": WORDS, "automation": WORDS}))
ROWS = st.fixed_dictionaries({}, optional={"lead": CELLS, "locked": CELLS})
ACTIONS = ("deploy", "config", "restart", "scale-down", "scale-up", "rollback")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def _recurring(draw: st.DrawFn) -> Document:
    since = draw(st.dates(date(1970, 1, 1), date(2170, 1, 1)))
    window = draw(
        st.fixed_dictionaries(
            {"rrule": RULES, "since": st.just(since.isoformat())},
            optional={
                "except": st.lists(DATES, max_size=3),
                "from": st.integers(0, 1439).map(_clock),
                "to": st.integers(1, 1440).map(_clock),
                "days": st.integers(2, 366),
                "zones": st.lists(
                    st.one_of(ZONES, st.just("home"), st.just("venues")), min_size=1, max_size=3
                ),
            },
        )
    )
    return dict(window)


@st.composite
def _one_off(draw: st.DrawFn) -> Document:
    low, high = datetime(1970, 1, 2), datetime(2199, 12, 30)  # noqa: DTZ001
    start = draw(st.datetimes(low, high))
    end = start + timedelta(seconds=draw(st.integers(1, 80_000)))
    if draw(st.booleans()):
        offset = draw(st.sampled_from(["Z", "+05:30", "-08:00"]))
        return {"start": start.isoformat() + offset, "end": end.isoformat() + offset}
    window: Document = {
        "start": start.replace(microsecond=0).isoformat(),
        "end": end.replace(microsecond=0).isoformat(),
    }
    if draw(st.booleans()):
        window["zones"] = draw(st.lists(st.one_of(ZONES, st.just("home")), min_size=1, max_size=2))
    return window


@st.composite
def _windows(draw: st.DrawFn) -> list[Document]:
    names = draw(st.lists(TEXTS, unique=True, max_size=4))
    extras = st.fixed_dictionaries(
        {}, optional={"kind": st.sampled_from(["lock", "open"]), "scope": SCOPES}
    )
    return [
        {"name": name, **draw(st.one_of(_recurring(), _one_off())), **draw(extras)}
        for name in names
    ]


@st.composite
def _capacity(draw: st.DrawFn) -> Document:
    floor, high, ceiling, emergency = sorted(draw(st.lists(st.integers(1, 10**9), min_size=4,
                                                           max_size=4)))  # fmt: skip
    return {
        "units_per_replica": draw(NUMBERS.filter(bool)),
        "floor": floor,
        "high": high,
        "ceiling": ceiling,
        "fallback": draw(st.integers(1, 100)),
        "emergency": emergency,
    }


_CULTURES = st.dictionaries(
    TEXTS,
    st.fixed_dictionaries(
        {"factor": NUMBERS, "guests": st.integers(1, 1_000_000), "days": st.integers(1, 366)}
    ),
    max_size=2,
)
_BOUNDS = st.tuples(st.sampled_from([1, Decimal("0.25")]), st.sampled_from([1, Decimal("1.5")]))


def _observed(source: dict[str, st.SearchStrategy[object]]) -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries(
        source,
        optional={
            "units_per_value": NUMBERS.filter(bool),
            "max_age": st.sampled_from(["1s", "5m", "PT15M"]),
            "fails_after": st.sampled_from(["15m", "400d"]),
            "hold": st.sampled_from(["0s", "1h", "P1W"]),
            "learned": st.fixed_dictionaries(
                {},
                optional={
                    "use": st.booleans(),
                    "at_least_samples": st.integers(2, 1000),
                    "bounds": _BOUNDS.map(list),
                },
            ),
        },
    )


_LOADS = st.fixed_dictionaries(
    {},
    optional={
        "cultures": _CULTURES,
        "venues": st.dictionaries(TEXTS, NUMBERS, max_size=2),
        "settings": st.dictionaries(TEXTS, NUMBERS, max_size=2),
        "season": st.fixed_dictionaries(
            {},
            optional={
                "factor": NUMBERS,
                "north": MONTHS,
                "south": MONTHS,
                "countries": st.dictionaries(st.sampled_from(["IN", "NO", "GB"]), MONTHS),
            },
        ),
        "saturday": NUMBERS,
        "hours": st.dictionaries(st.integers(1, 23).map(str), NUMBERS, max_size=4).flatmap(
            lambda hours: NUMBERS.map(lambda number: {**hours, "0": number})
        ),
        "capacity": _capacity(),
        "cache": st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ("NORMAL", "HIGH", "MAXIMUM"),
                st.dictionaries(
                    st.text("abcXYZ019-_", min_size=1, max_size=6),
                    st.one_of(TEXTS, st.just("")),
                    max_size=2,
                ),
            ),
        ),
        "observed": st.one_of(
            _observed({"source": st.just("csv"), "file": TEXTS}),
            _observed(
                {
                    "source": st.just("prometheus"),
                    "query": TEXTS,
                    "url": st.just("http://127.0.0.1:9090"),
                }
            ),
        ),
    },
)
DOCUMENTS: st.SearchStrategy[Document] = st.fixed_dictionaries(
    {"version": st.just(1), "timezone": ZONES},
    optional={
        "name": TEXTS,
        "mode": st.sampled_from(["enforce", "warn"]),
        "on_undecided": st.sampled_from(["block", "allow"]),
        "lead": DURATIONS,
        "windows": _windows(),
        "level_lock": st.fixed_dictionaries(
            {},
            optional={
                "at": st.sampled_from(["HIGH", "MAXIMUM", "never"]),
                "join": DURATIONS,
                "scope": SCOPES,
            },
        ),
        "actions": st.fixed_dictionaries({}, optional=dict.fromkeys(ACTIONS, ROWS)),
        "override": st.fixed_dictionaries(
            {},
            optional={
                "roles": st.lists(TEXTS, max_size=2),
                "approvals": st.integers(0, 5),
                "max_ttl": DURATIONS,
                "automation": st.booleans(),
            },
        ),
        "exempt": st.lists(TEXTS, max_size=2),
        "identities": st.lists(
            st.fixed_dictionaries(
                {"user": TEXTS, "invoker": st.sampled_from(["human", "automation"])},
                optional={"group": TEXTS, "actor": TEXTS},
            ),
            max_size=2,
        ),
        "github": st.fixed_dictionaries(
            {},
            optional={
                "bases": st.lists(TEXTS, min_size=1, max_size=2),
                "on_lock": st.sampled_from(["wait", "reject"]),
            },
        ),
        "tokens": st.fixed_dictionaries(
            {},
            optional={
                "issuer": TEXTS,
                "audience": TEXTS,
                "allow": st.lists(
                    st.fixed_dictionaries(
                        {"repository": TEXTS},
                        optional={"ref": TEXTS, "environment": TEXTS, "job_workflow_ref": TEXTS},
                    ),
                    max_size=2,
                ),
            },
        ),
        "load": _LOADS,
    },
)
