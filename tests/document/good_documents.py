"""Good documents, for every sentence of the contract; other tests read this table, too.

A text is what follows the two required lines, unless it begins with ``!``: then it is the whole.
"""

GOOD = {
    "nothing but the required keys": "",
    "an unused anchor and a comment": "name: &n gate  # a comment\n",
    "every key": """
name: wedding-platform
mode: warn
on_undecided: allow
lead: PT2H
windows:
  - name: saturday
    kind: lock
    rrule: FREQ=WEEKLY;BYDAY=SA
    since: 2000-01-01
    except: [2026-08-15]
    from: "00:00"
    to: "24:00"
    days: 1
    zones: [home, venues, Asia/Kolkata]
    scope: {environments: ["prod*"], namespaces: [a], services: [b], repositories: [c/d]}
  - {name: christmas, start: 2026-12-24T12:00, end: 2026-12-27T00:00:30, zones: [home]}
  - {name: night, kind: open, start: 2026-06-13T01:00:00Z, end: 2026-06-13T03:00:00.5+01:00}
level_lock: {at: MAXIMUM, join: 30m, scope: {environments: [production]}}
actions:
  deploy: {lead: deny, locked: {human: allow, automation: deny}}
  config: {lead: {human: allow}}
  restart: {}
  scale-down: {locked: {}}
  scale-up: {lead: deny, locked: deny}
  rollback: {lead: allow}
override: {roles: [boss], approvals: 2, max_ttl: 1d, automation: true}
exempt: ["system:serviceaccount:kube-system:horizontal-pod-autoscaler"]
identities:
  - {user: "alice@*", invoker: human, actor: alice}
  - {group: "sso:deployers", invoker: human}
  - {user: a, group: b, invoker: automation}
github: {bases: [main, "release/*"], on_lock: reject}
tokens:
  issuer: https://github.example/_services/token
  audience: gate
  allow:
    - {repository: "acme/*", ref: refs/heads/main, environment: production}
    - {repository: acme/site, job_workflow_ref: "acme/flows/*"}
load:
  cultures: {indian: {factor: 3}, martian: {factor: 0, guests: 1000000, days: 366}}
  venues: {palace: 2, moon: 1e-3}
  settings: {outdoor: .5}
  season: {factor: 0, north: [], south: [12, 1], countries: {NO: [6], GB: [5]}}
  saturday: 0x10
  hours: {0: 1, "8": 0.5, 23: 0}
  capacity: {units_per_replica: 0.001, floor: 1, high: 1, ceiling: 1, fallback: 1, emergency: 1}
  cache:
    NORMAL: {ttl_seconds: "60", warm-up.json: "[]"}
    HIGH: {ttl_seconds: "300"}
    MAXIMUM: {ttl_seconds: "900", .note: ""}
  observed:
    source: prometheus
    url: https://prometheus.example:9090/team
    query: sum by (zone) (rate(requests_total[5m]))
    units_per_value: 0.5
    zone_label: zone
    culture_label: culture
    max_age: 2m
    fails_after: 10m
    hold: 0s
    learned: {use: true, at_least_samples: 2, bounds: [1, 1]}
""",
    "settings of one level only": "load: {cache: {MAXIMUM: {a: b}}}\n",
    "no settings at all": "load: {cache: {}}\n",
    "observed load in a file": "load: {observed: {source: csv, file: load.csv}}\n",
    "no window": "windows: []\n",
    "no list entries where none are needed": "exempt: []\nidentities: []\noverride: {roles: []}\n",
    "an empty list of exceptions": "windows: [{name: a, rrule: FREQ=DAILY, except: []}]\n",
    "sections that are empty": "level_lock: {}\nactions: {}\noverride: {}\nload: {}\n",
    "a scope without lists": "windows: [{name: a, rrule: FREQ=DAILY, scope: {}}]\n",
    "a level lock that never locks": "level_lock: {at: never}\n",
    "the longest duration": "lead: 400d\n",
    "the longest window": "windows: [{name: a, rrule: FREQ=DAILY, days: 366}]\n",
    "the first and the last date": (
        "windows: [{name: a, rrule: FREQ=DAILY, since: 1970-01-01, except: [2199-12-31]}]\n"
    ),
    "the first and the last instant": (
        "windows: [{name: a, start: 1970-01-01T00:00:00Z, end: 2199-12-31T23:59:59.999999Z}]\n"
    ),
    "an instant whose local date is outside": (
        "windows: [{name: a, start: 1969-12-31T23:00:00-01:00, end: 2026-01-01T00:00:00Z}]\n"
    ),
    "text in several styles": (
        "name: >-\n  wedding\n  platform\nmode: 'enforce'\nlead: \"\\x32h\"\n"
    ),
    "aliases": (
        "windows:\n- &w {name: a, rrule: FREQ=DAILY, zones: &z [home]}\n"
        "- {name: b, rrule: FREQ=DAILY, zones: *z}\n"
    ),
    "a key that is an alias": "&m mode: warn\nname: x\n",
    "the largest number": "load: {saturday: 1000000000}\n",
    "the longest number": "load: {saturday: 0." + "1" * 38 + "}\n",
    "a document between markers": "!--- \nversion: 1\ntimezone: UTC\n...\n",
    "a version of YAML": "!%YAML 1.2\n---\nversion: 1\ntimezone: UTC\n",
    "a byte order mark": "!\ufeffversion: 1\ntimezone: UTC\n",
    "JSON": '!{"version": 1, "timezone": "UTC", "load": {"hours": {"0": 1.5}}}',
    "JSON behind blanks": '!\n \t{"version": 1,\t"timezone": "UTC"}\n',
    "JSON with a surrogate pair": '!{"version":1,"timezone":"UTC","name":"\\ud83d\\udc92 \u2028"}',
    "flow style that is not JSON": "!{version: 1, timezone: UTC,}",
    "a culture from JSON that would be a merge key": (
        '!{"version":1,"timezone":"UTC",'
        '"load":{"cultures":{"<<":{"factor":1,"guests":1,"days":1}}}}'
    ),
    "a window past midnight": "windows: [{name: a, rrule: FREQ=DAILY, from: 22:00, to: 06:00}]\n",
    "a window of a whole day from noon": (
        "windows: [{name: a, rrule: FREQ=DAILY, from: 12:00, to: 12:00}]\n"
    ),
}


def text_of(entry: str) -> str:
    """The whole document of an entry of these tables."""
    return entry[1:] if entry.startswith("!") else f"version: 1\ntimezone: Europe/London\n{entry}"
