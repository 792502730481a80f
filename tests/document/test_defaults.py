"""What a policy is where the document says nothing, and how what it says is merged in."""

from datetime import date, datetime, timedelta
from fractions import Fraction

from gate.core.document import policy_document
from gate.core.policy import Action, ByInvoker, InstantSpan, LocalSpan, Recurring, Scope
from tests.document.documents import HEAD, as_json, policy, window, with_head

ALLOW = ByInvoker(human="allow", automation="allow")
DENY = ByInvoker(human="deny", automation="deny")


def test_the_smallest_policy() -> None:
    smallest = with_head("")
    assert smallest.name is None
    assert (smallest.mode, smallest.on_undecided, smallest.lead) == (
        "enforce",
        "block",
        timedelta(0),
    )
    (saturday,) = smallest.windows
    assert (saturday.name, saturday.kind, saturday.zones) == (
        "saturday",
        "lock",
        ("home", "venues"),
    )
    assert saturday.when == Recurring(
        rrule="FREQ=WEEKLY;BYDAY=SA",
        since=date(2000, 1, 1),
        except_dates=(),
        from_minutes=0,
        to_minutes=1440,
        days=1,
    )
    assert saturday.scope == Scope()
    assert (smallest.level_lock.at, smallest.level_lock.join) == ("HIGH", timedelta(hours=4))
    assert smallest.level_lock.scope == Scope()
    assert smallest.identities == ()


def test_the_action_table() -> None:
    rows = {action: (row.lead, row.locked) for action, row in with_head("").actions.items()}
    assert list(rows) == list(Action)
    assert rows == {
        Action.DEPLOY: (DENY, DENY),
        Action.CONFIG: (DENY, DENY),
        Action.RESTART: (ALLOW, DENY),
        Action.SCALE_DOWN: (ALLOW, DENY),
        Action.SCALE_UP: (ALLOW, ALLOW),
        Action.ROLLBACK: (ALLOW, ALLOW),
    }


def test_the_override_rules() -> None:
    rules = with_head("").override
    assert (rules.roles, rules.approvals) == (("sre-lead", "duty-manager"), 1)
    assert (rules.max_ttl, rules.automation) == (timedelta(hours=4), False)


def test_the_rules_of_github() -> None:
    smallest = with_head("")
    assert (smallest.github.bases, smallest.github.on_lock) == (None, "wait")
    assert smallest.tokens.issuer == "https://token.actions.githubusercontent.com"
    assert (smallest.tokens.audience, smallest.tokens.allow) == ("saturday-gate", ())


def test_no_settings_by_level() -> None:
    assert with_head("").load.cache == {}
    assert "cache" not in policy_document(HEAD.encode(), "policy.yaml")["load"]


def test_the_load_model() -> None:
    load = with_head("").load
    cultures = {
        name: (culture.factor, culture.guests, culture.days)
        for name, culture in load.cultures.items()
    }
    assert cultures == {
        "indian": (2, 600, 3),
        "nigerian": (Fraction("1.8"), 400, 2),
        "chinese": (Fraction("1.5"), 350, 2),
        "greek": (Fraction("1.4"), 300, 1),
        "jewish": (Fraction("1.3"), 250, 1),
        "british": (1, 150, 1),
        "other": (1, 150, 1),
    }
    assert load.venues == {"palace": Fraction("1.5"), "hotel": Fraction("1.2"), "church": 1}
    assert load.settings == {"outdoor": Fraction("1.1"), "indoor": 1}
    assert load.season.factor == Fraction("2.5")
    assert load.season.north == (5, 6, 7, 8, 9, 10)
    assert load.season.south == (10, 11, 12, 1, 2, 3)
    assert load.season.countries == {"IN": (11, 12, 1, 2, 4, 5)}
    assert load.saturday == 8
    fifths = {0: 1, 8: 3, 12: 4, 14: 5, 16: 4, 23: 2}
    assert load.hours == {hour: Fraction(factor, 5) for hour, factor in fifths.items()}
    capacity = load.capacity
    assert capacity.units_per_replica == 30
    assert (capacity.floor, capacity.high, capacity.ceiling) == (10, 35, 50)
    assert (capacity.fallback, capacity.emergency) == (20, 100)


def test_only_kubernetes_own_controllers_are_exempt() -> None:
    exempt = with_head("").exempt
    prefix = "system:serviceaccount:kube-system:"
    assert {name.removeprefix(prefix) for name in exempt} >= {
        "horizontal-pod-autoscaler",
        "deployment-controller",
        "generic-garbage-collector",
        "namespace-controller",
        "root-ca-cert-publisher",
    }
    others = [name for name in exempt if not name.startswith(prefix)]
    assert others == ["system:kube-controller-manager"]


def test_actions_merge_by_action_phase_and_invoker() -> None:
    actions = with_head(
        "actions: {deploy: {locked: {human: allow}}, restart: {lead: deny}, rollback: {}}\n"
    ).actions
    deploy = actions[Action.DEPLOY]
    assert (deploy.lead, deploy.locked) == (DENY, ByInvoker(human="allow", automation="deny"))
    restart = actions[Action.RESTART]
    assert (restart.lead, restart.locked) == (DENY, DENY)
    assert actions[Action.ROLLBACK].locked == ALLOW
    assert actions[Action.CONFIG].lead == DENY


def test_cultures_merge_by_key_and_new_ones_come_after() -> None:
    cultures = with_head(
        "load: {cultures: {martian: {factor: 9, guests: 2, days: 1}, greek: {guests: 10}}}\n"
    ).load.cultures
    assert list(cultures)[-1] == "martian"
    assert (cultures["greek"].factor, cultures["greek"].guests) == (Fraction("1.4"), 10)
    assert cultures["indian"].guests == 600


def test_other_mappings_merge_by_key() -> None:
    changed = with_head(
        "level_lock: {join: 1h}\noverride: {approvals: 2}\n"
        "load: {venues: {barn: 0.5}, settings: {indoor: 2}, season: {countries: {GB: [6]}},"
        " capacity: {floor: 5}}\n"
    )
    assert (changed.level_lock.at, changed.level_lock.join) == ("HIGH", timedelta(hours=1))
    assert (changed.override.approvals, changed.override.roles[0]) == (2, "sre-lead")
    load = changed.load
    assert load.venues["palace"] == Fraction("1.5")
    assert load.venues["barn"] == Fraction("0.5")
    assert list(load.settings.values()) == [Fraction("1.1"), 2]
    assert list(load.season.countries) == ["IN", "GB"]
    assert (load.season.factor, load.season.north[0]) == (Fraction("2.5"), 5)
    assert (load.capacity.floor, load.capacity.high) == (5, 35)


def test_hours_and_lists_are_replaced_whole() -> None:
    changed = with_head(
        "windows: []\nexempt: [x]\noverride: {roles: [y]}\n"
        "load: {hours: {12: 2, 0: 1}, season: {north: [1], countries: {IN: []}}}\n"
    )
    assert (changed.windows, changed.exempt, changed.override.roles) == ((), ("x",), ("y",))
    assert changed.load.hours == {0: 1, 12: 2}
    assert list(changed.load.hours) == [0, 12]
    assert changed.load.season.north == (1,)
    assert changed.load.season.countries == {"IN": ()}


def test_hours_are_text_in_json() -> None:
    assert policy(as_json(load={"hours": {"23": 0.5, "0": 1}})).load.hours == {
        0: 1,
        23: Fraction(1, 2),
    }


def test_days_are_two_where_a_window_ends_at_or_before_its_start() -> None:
    def days(text: str) -> int:
        when = window(f"rrule: FREQ=DAILY, {text}").when
        assert isinstance(when, Recurring)
        return when.days

    assert days("from: 22:00, to: 06:00") == 2
    assert days("from: 06:00, to: 06:00") == 2
    assert days("from: 06:00, to: 06:01") == 1
    assert days("from: 22:00") == 1
    assert days("from: 22:00, to: 06:00, days: 3") == 3


def test_a_window_between_local_times_is_of_the_home_zone() -> None:
    christmas = window("start: 2026-12-24T12:00, end: 2026-12-27T00:00:01")
    assert christmas.zones == ("home",)
    assert christmas.when == LocalSpan(
        start=datetime.fromisoformat("2026-12-24T12:00:00"),
        end=datetime.fromisoformat("2026-12-27T00:00:01"),
    )


def test_a_window_between_instants_has_no_zones() -> None:
    night = window("kind: open, start: 2026-06-13T01:00:00+02:00, end: 2026-06-13T03:00:00.25Z")
    assert (night.kind, night.zones) == ("open", ())
    assert night.when == InstantSpan(
        start=datetime.fromisoformat("2026-06-12T23:00:00Z"),
        end=datetime.fromisoformat("2026-06-13T03:00:00.250Z"),
    )


def test_a_window_says_all_it_can() -> None:
    lock = window(
        "rrule: FREQ=MONTHLY;BYDAY=1SA, since: 2026-01-01, except: [2026-02-07, 2026-03-07],"
        " from: 09:30, to: 08:15, days: 4, zones: [Asia/Kolkata],"
        ' scope: {environments: ["prod*"], namespaces: [a, b], services: [c], repositories: [d/e]}'
    )
    assert lock.zones == ("Asia/Kolkata",)
    assert lock.scope == Scope(
        environments=("prod*",), namespaces=("a", "b"), services=("c",), repositories=("d/e",)
    )
    assert lock.when == Recurring(
        rrule="FREQ=MONTHLY;BYDAY=1SA",
        since=date(2026, 1, 1),
        except_dates=(date(2026, 2, 7), date(2026, 3, 7)),
        from_minutes=570,
        to_minutes=495,
        days=4,
    )
