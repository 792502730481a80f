"""Documents with bad values: text, and line and field of every problem in it.

A text is what follows the two required lines, unless it begins with ``!``: then it is the whole.
"""

from tests.document.bad_syntax import Bad

BAD_VALUES: Bad = {
    # single values
    "a name that is a number": ("name: 2026\n", [(3, "name")]),
    "an empty name": ('name: ""\n', [(3, "name")]),
    "another mode": ("mode: Enforce\n", [(3, "mode")]),
    "a mode that is a boolean": ("mode: true\n", [(3, "mode")]),
    "on_undecided: warn": ("on_undecided: warn\n", [(3, "on_undecided")]),
    **{
        f"the duration {text}": (f"lead: {text}\n", [(3, "lead")])
        for text in ("2", "1.5h", "2 h", "2w", "-1h", "PT", "P1Y", "P1M", "P1DT", "PT1.5H", "P1W1D",
                     "401d", "9601h", "P58W", "2H", "''", "[2h]", "1h30m", "true")
    },
    # windows
    "windows that are no list": ("windows: {name: a}\n", [(3, "windows")]),
    "a window that is no mapping": ("windows: [saturday]\n", [(3, "windows[0]")]),
    "a window without a name": (
        "windows:\n  - rrule: FREQ=DAILY\n", [(4, "windows[0].name")],
    ),
    "windows of one name": (
        "windows:\n- {name: a, rrule: FREQ=DAILY}\n- {name: a, rrule: FREQ=DAILY}\n",
        [(5, "windows[1].name")],
    ),
    "a window without a time": ("windows: [{name: a}]\n", [(3, "windows[0].rrule")]),
    "a window without an end": (
        "windows: [{name: a, start: 2026-01-01T00:00}]\n", [(3, "windows[0].end")],
    ),
    "a window without a start": (
        "windows: [{name: a, end: 2026-01-01T00:00:00Z}]\n", [(3, "windows[0].start")],
    ),
    "another kind": (
        "windows: [{name: a, kind: closed, rrule: FREQ=DAILY}]\n", [(3, "windows[0].kind")],
    ),
    "a rule and a start": (
        "windows: [{name: a, rrule: FREQ=DAILY, start: 2026-01-01T00:00}]\n",
        [(3, "windows[0].start")],
    ),
    "since without a rule": (
        "windows: [{name: a, start: 2026-01-01T00:00, end: 2026-01-02T00:00,\n"
        "  since: 2026-01-01, days: 2, from: 01:00, to: 02:00, except: []}]\n",
        [(4, f"windows[0].{key}") for key in ("since", "days", "from", "to", "except")],
    ),
    "local and instant mixed": (
        "windows: [{name: a, start: 2026-01-01T00:00, end: 2026-01-02T00:00:00Z}]\n",
        [(3, "windows[0].end")],
    ),
    "instant and local mixed": (
        "windows: [{name: a, start: 2026-01-01T00:00:00+01:00, end: 2026-01-02T00:00}]\n",
        [(3, "windows[0].end")],
    ),
    "zones with instants": (
        "windows: [{name: a, start: 2026-01-01T00:00:00Z, end: 2026-01-02T00:00:00Z,"
        " zones: [home]}]\n",
        [(3, "windows[0].zones")],
    ),
    "venues with local times": (
        "windows: [{name: a, start: 2026-01-01T00:00, end: 2026-01-02T00:00, zones: [venues]}]\n",
        [(3, "windows[0].zones[0]")],
    ),
    "an unknown zone of a window": (
        "windows: [{name: a, rrule: FREQ=DAILY, zones: [home, Mars/Base]}]\n",
        [(3, "windows[0].zones[1]")],
    ),
    "no zone": (
        "windows: [{name: a, rrule: FREQ=DAILY, zones: []}]\n", [(3, "windows[0].zones")],
    ),
    "an empty scope list": (
        "windows: [{name: a, rrule: FREQ=DAILY, scope: {services: []}}]\n",
        [(3, "windows[0].scope.services")],
    ),
    "a scope that is no list": (
        "windows: [{name: a, rrule: FREQ=DAILY, scope: {services: x}}]\n",
        [(3, "windows[0].scope.services")],
    ),
    "an unknown scope": (
        "windows: [{name: a, rrule: FREQ=DAILY, scope: {service: [x]}}]\n",
        [(3, "windows[0].scope.service")],
    ),
    "an end that is its start": (
        "windows: [{name: a, start: 2026-01-01T00:00, end: 2026-01-01T00:00:00}]\n",
        [(3, "windows[0].end")],
    ),
    "an end before its start": (
        "windows: [{name: a, start: 2026-01-01T00:00:00Z, end: 2026-01-01T00:30:00+01:00}]\n",
        [(3, "windows[0].end")],
    ),
    "to before from on one day": (
        "windows: [{name: a, rrule: FREQ=DAILY, from: 12:00, to: 12:00, days: 1}]\n",
        [(3, "windows[0].to")],
    ),
    **{
        f"days: {days}": (
            f"windows: [{{name: a, rrule: FREQ=DAILY, days: {days}}}]\n", [(3, "windows[0].days")],
        )
        for days in ("0", "367", "2.0", "1e1", '"2"', "true", "-1")
    },
    **{
        f"from: {text}": (
            f"windows: [{{name: a, rrule: FREQ=DAILY, from: {text}}}]\n", [(3, "windows[0].from")],
        )
        for text in ('"24:00"', "9:00", "09:60", "09:00:00", "900", "''", "09.00")
    },
    **{
        f"to: {text}": (
            f"windows: [{{name: a, rrule: FREQ=DAILY, to: {text}}}]\n", [(3, "windows[0].to")],
        )
        for text in ('"00:00"', "24:01", "25:00", "9:00")
    },
    **{
        f"the date {text}": (
            f"windows: [{{name: a, rrule: FREQ=DAILY, except: [{text}]}}]\n",
            [(3, "windows[0].except[0]")],
        )
        for text in ("2026-02-30", "1969-12-31", "2200-01-01", "2026-1-1", "20260101", "tomorrow",
                     "2026-01-01T00:00")
    },
    **{
        f"the local time {text}": (
            f"windows: [{{name: a, start: {text}, end: 2199-12-31T23:59}}]\n",
            [(3, "windows[0].start")],
        )
        for text in ("2026-01-01", "2026-01-01 00:00", "2026-02-30T00:00", "2026-01-01T24:00",
                     "1969-12-31T23:59", "2026-01-01T00:00:60", "2026-01-01T00", "2026")
    },
    **{
        f"the instant {text}": (
            f"windows: [{{name: a, start: {text}, end: 2199-12-31T23:59:59Z}}]\n",
            [(3, "windows[0].start")],
        )
        for text in ("2026-01-01T00:00Z", "2026-01-01T00:00:60Z", "2026-02-30T00:00:00Z",
                     "1969-12-31T23:59:59Z", "2026-01-01T00:00:00.0000000Z",
                     "2026-01-01T00:00:00+0100")
    },
    **{
        f"the rule {rule}": (
            f"windows: [{{name: a, rrule: '{rule}'}}]\n", [(3, "windows[0].rrule")],
        )
        for rule in ("FREQ=HOURLY", "FREQ=DAILY;BYHOUR=3", "BYDAY=SA", "freq=daily", "",
                     "RRULE:FREQ=DAILY", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;INTERVAL=0",
                     "FREQ=DAILY;COUNT=3;UNTIL=20300101", "FREQ=WEEKLY;BYMONTHDAY=1",
                     "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;FREQ=DAILY")
    },
    "a rule that is a number": (
        "windows: [{name: a, rrule: 7}]\n", [(3, "windows[0].rrule")],
    ),
    "a rule that ends before its start": (
        "windows: [{name: a, rrule: FREQ=DAILY;UNTIL=20251231, since: 2026-01-01}]\n",
        [(3, "windows[0].rrule")],
    ),
    "a date that is wrong and a rule that is, too": (
        "windows: [{name: a, rrule: FREQ=NEVER, since: 1969-01-01}]\n", [(3, "windows[0].since")],
    ),
    # level lock, actions, override, exempt, identities
    "the level NORMAL": ("level_lock: {at: NORMAL}\n", [(3, "level_lock.at")]),
    "a level lock with lists": ("level_lock: {scope: {services: []}}\n",
                                [(3, "level_lock.scope.services")]),
    "a seventh action": ("actions: {reboot: {lead: deny}}\n", [(3, "actions.reboot")]),
    "a third phase": ("actions: {deploy: {open: deny}}\n", [(3, "actions.deploy.open")]),
    "another verdict": ("actions: {deploy: {lead: maybe}}\n", [(3, "actions.deploy.lead")]),
    "another verdict in a cell": (
        "actions: {deploy: {lead: {human: block}}}\n", [(3, "actions.deploy.lead.human")],
    ),
    "a third invoker": (
        "actions: {deploy: {lead: {robot: deny}}}\n", [(3, "actions.deploy.lead.robot")],
    ),
    "an action that is a word": ("actions: {deploy: deny}\n", [(3, "actions.deploy")]),
    "approvals in words": ("override: {approvals: one}\n", [(3, "override.approvals")]),
    "approvals with a point": ("override: {approvals: 1.0}\n", [(3, "override.approvals")]),
    "fewer approvals than none": ("override: {approvals: -1}\n", [(3, "override.approvals")]),
    "a boolean in words": ("override: {automation: yes}\n", [(3, "override.automation")]),
    "a boolean as a number": ("override: {automation: 0}\n", [(3, "override.automation")]),
    "a role that is a number": ("override: {roles: [7]}\n", [(3, "override.roles[0]")]),
    "exempt that is no list": ("exempt: alice\n", [(3, "exempt")]),
    "no base at all": ("github: {bases: []}\n", [(3, "github.bases")]),
    "another end of a lock": ("github: {on_lock: ask}\n", [(3, "github.on_lock")]),
    "a grant to every repository": ("tokens: {allow: [{ref: main}]}\n",
                                    [(3, "tokens.allow[0].repository")]),
    "an unknown claim": ("tokens: {allow: [{repository: a, actor: b}]}\n",
                         [(3, "tokens.allow[0].actor")]),
    "an identity of nobody": ("identities: [{invoker: human}]\n", [(3, "identities[0]")]),
    "an identity without an invoker": ("identities: [{user: a}]\n", [(3, "identities[0].invoker")]),
    "another invoker": ("identities: [{user: a, invoker: ci}]\n", [(3, "identities[0].invoker")]),
    # load
    "settings of an unknown level": (
        "load:\n  cache:\n    HIHG: {a: b}\n", [(5, "load.cache.HIHG")],
    ),
    "a setting that is a number": (
        "load: {cache: {HIGH: {ttl: 300}}}\n", [(3, "load.cache.HIGH.ttl")],
    ),
    "a setting that no ConfigMap can hold": (
        "load: {cache: {HIGH: {'a b': x}}}\n", [(3, "load.cache.HIGH.a b")],
    ),
    "a setting that leads out of its folder": (
        "load: {cache: {HIGH: {..data: x}}}\n", [(3, "load.cache.HIGH...data")],
    ),
    "a setting that is nested": (
        "load: {cache: {HIGH: {a: {b: c}}}}\n", [(3, "load.cache.HIGH.a")],
    ),
    "settings that are a list": ("load: {cache: {HIGH: [a]}}\n", [(3, "load.cache.HIGH")]),
    "a culture of one's own with too little": (
        "load:\n  cultures:\n    martian: {factor: 1}\n",
        [(5, "load.cultures.martian.guests"), (5, "load.cultures.martian.days")],
    ),
    "no guests": ("load: {cultures: {greek: {guests: 0}}}\n", [(3, "load.cultures.greek.guests")]),
    "too many guests": (
        "load: {cultures: {greek: {guests: 1000001}}}\n", [(3, "load.cultures.greek.guests")],
    ),
    "guests with a point": (
        "load: {cultures: {greek: {guests: 300.0}}}\n", [(3, "load.cultures.greek.guests")],
    ),
    "a wedding without days": (
        "load: {cultures: {greek: {days: 0}}}\n", [(3, "load.cultures.greek.days")],
    ),
    "a negative factor": ("load: {venues: {palace: -0.1}}\n", [(3, "load.venues.palace")]),
    "a factor in quotes": ('load: {settings: {indoor: "1"}}\n', [(3, "load.settings.indoor")]),
    "a factor that is true": ("load: {saturday: true}\n", [(3, "load.saturday")]),
    "a factor as YAML 1.1 wrote it": ("load: {saturday: 1_0}\n", [(3, "load.saturday")]),
    "a thirteenth month": ("load: {season: {north: [13]}}\n", [(3, "load.season.north[0]")]),
    "a month zero": ("load: {season: {south: [0]}}\n", [(3, "load.season.south[0]")]),
    "a country that is none": (
        "load: {season: {countries: {XX: [1]}}}\n", [(3, "load.season.countries.XX")],
    ),
    **{
        f"observed load with {what}": (
            f"load:\n  observed: {{source: csv, file: a, {what}}}\n", [(4, f"load.observed.{at}")],
        )
        for what, at in {
            "url: http://a": "url", "max_age: 0s": "max_age", "fails_after: 1m": "fails_after",
            "units_per_value: 0": "units_per_value", "hold: -1h": "hold", "hold: 8d": "hold",
            "learned: {bounds: [1, 1, 1]}": "learned.bounds", "learned: yes": "learned",
            "learned: {use: 1}": "learned.use", "learned: {bounds: [1]}": "learned.bounds",
            "learned: {bounds: [0, 1]}": "learned.bounds[0]",
            "learned: {bounds: [2, 3]}": "learned.bounds",
            "learned: {at_least_samples: 1}": "learned.at_least_samples",
        }.items()
    },
    **{
        f"observed load at {what}": (
            f"load:\n  observed: {{source: prometheus, query: up, {what}}}\n",
            [(4, f"load.observed.{at}")],
        )
        for what, at in {
            "url: ftp://a": "url", 'url: "http://"': "url", "url: http://a:b": "url",
            "url: http://me:secret@a": "url", "url: http://a?b=c": "url", "url: 7": "url",
            "url: http://a, zone_label: a-b": "zone_label", "url: http://a, file: b": "file",
            "url: http://a, culture_label: 7": "culture_label",
        }.items()
    },
    "observed load from nowhere": ("load: {observed: {source: ical, url: http://a, query: up}}\n",
                                   [(3, "load.observed.source")]),
    "observed load without anything": (
        "load: {observed: {}}\n",
        [(3, f"load.observed.{key}") for key in ("source", "url", "query")],
    ),
    "observed load that is a word": ("load: {observed: prometheus}\n", [(3, "load.observed")]),
    "a country in small letters": (
        "load: {season: {countries: {in: [1]}}}\n", [(3, "load.season.countries.in")],
    ),
    "hours without midnight": ("load: {hours: {8: 1}}\n", [(3, "load.hours")]),
    "no hours": ("load: {hours: {}}\n", [(3, "load.hours")]),
    "an hour 24": ("load: {hours: {0: 1, 24: 1}}\n", [(3, "load.hours.24")]),
    "an hour with a point": ("load: {hours: {0: 1, 8.0: 1}}\n", [(3, "load.hours.8")]),
    "an hour with a zero in front": ("load: {hours: {0: 1, '08': 1}}\n", [(3, "load.hours.08")]),
    "an hour in words": ("load: {hours: {0: 1, noon: 1}}\n", [(3, "load.hours.noon")]),
    "no units per replica": (
        "load: {capacity: {units_per_replica: 0}}\n", [(3, "load.capacity.units_per_replica")],
    ),
    "no floor": ("load: {capacity: {floor: 0}}\n", [(3, "load.capacity.floor")]),
    "a floor with a point": ("load: {capacity: {floor: 10.0}}\n", [(3, "load.capacity.floor")]),
    "a floor above the default high": (
        "load: {capacity: {floor: 36}}\n", [(3, "load.capacity.high")],
    ),
    "high above the ceiling": (
        "load:\n  capacity:\n    high: 40\n    ceiling: 39\n", [(6, "load.capacity.ceiling")],
    ),
    "a ceiling above the default emergency": (
        "load: {capacity: {ceiling: 101}}\n", [(3, "load.capacity.emergency")],
    ),
    "no fallback": ("load: {capacity: {fallback: 0}}\n", [(3, "load.capacity.fallback")]),
}  # fmt: skip
