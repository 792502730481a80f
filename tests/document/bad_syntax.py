"""Documents with bad syntax, keys or numbers: text, and line and field of every problem in it.

A text is what follows the two required lines, unless it begins with ``!``: then it is the whole.
"""

Bad = dict[str, tuple[str, list[tuple[int | None, str | None]]]]

BAD_SYNTAX: Bad = {
    # the two required keys
    "no version": ("!timezone: UTC\n", [(1, "version")]),
    "no home zone": ("!\nversion: 1\n", [(2, "timezone")]),
    "another version": ("!version: 2\ntimezone: UTC\n", [(1, "version")]),
    "a version in quotes": ('!version: "1"\ntimezone: UTC\n', [(1, "version")]),
    "a version with a point": ("!version: 1.0\ntimezone: UTC\n", [(1, "version")]),
    "a version that is true": ("!version: true\ntimezone: UTC\n", [(1, "version")]),
    "an unknown zone": ("!version: 1\ntimezone: Europe/Londn\n", [(2, "timezone")]),
    "home as the home zone": ("!version: 1\ntimezone: home\n", [(2, "timezone")]),
    **{
        f"the zone {zone}": (f"!version: 1\ntimezone: {zone}\n", [(2, "timezone")])
        for zone in ("Factory", "localtime", "posixrules", "posix/UTC", "right/UTC", "utc", "+1")
    },
    # what the syntax may not have
    "nothing": ("!", [(1, None)]),
    "only a comment": ("!# nothing\n", [(1, None)]),
    "a list": ("!- version: 1\n", [(1, None)]),
    "text": ("!version\n", [(1, None)]),
    "a null": ("!null\n", [(1, None)]),
    "two documents": ("---\nversion: 1\n", [(3, None)]),
    "broken YAML": ("name: a: b\n", [(3, None)]),
    "broken JSON": ('!{"version": 1,\n "timezone": "UTC"\n "name": "x"}', [(3, None)]),
    "an unknown key": ("nmae: x\n", [(3, "nmae")]),
    "an unknown key inside": ("load:\n  capacity:\n    flor: 3\n", [(5, "load.capacity.flor")]),
    "a number as a key": ("8: x\n", [(3, "8")]),
    "a boolean as a key": ("true: x\n", [(3, "True")]),
    "a duplicate key": ("mode: warn\nname: x\nmode: warn\n", [(5, "mode")]),
    "a duplicate key in JSON": (
        '!{"version": 1,\n"timezone": "UTC",\n"timezone": "UTC"}',
        [(3, "timezone")],
    ),
    "a duplicate key in another style": ("load: {hours: {0: 1,\n8: 1, '8': 1}}\n",
                                         [(4, "load.hours.8")]),
    "a duplicate key in another base": ("load: {hours: {0: 1, 8: 1,\n 0x8: 1}}\n",
                                        [(4, "load.hours.8")]),
    "a tag": ("name: !!str x\n", [(3, "name")]),
    "a bare tag": ("name: ! x\n", [(3, "name")]),
    "a tag behind an anchor": ("name: &a ! x\n", [(3, "name")]),
    "a tag of one's own": ("name: !mine x\n", [(3, "name")]),
    "a tag on a mapping": ("load: !!map\n  saturday: 1\n", [(3, "load")]),
    "a tag on a list": ("exempt: !x [a]\n", [(3, "exempt")]),
    "a tag on a key": ("mode: warn\n!!str name: x\n", [(4, None)]),
    "a tag directive": ("!%TAG !e! tag:example.org,2026:\n---\nversion: 1\n", [(1, None)]),
    "null": ("name: null\n", [(3, "name")]),
    "a tilde": ("name: ~\n", [(3, "name")]),
    "nothing behind a key": ("name:\nmode: warn\n", [(3, "name")]),
    "nothing in a list": ("exempt:\n- a\n-\n", [(5, "exempt[1]")]),
    "a null key": ("~: x\n", [(3, None)]),
    "a null section": ("load:\n", [(3, "load")]),
    "null in JSON": ('!{"version":1,"timezone":"UTC",\n"name":null}', [(2, "name")]),
    "a required key that is null": ("!version: 1\ntimezone:\n", [(2, "timezone")]),
    "NaN": ("load: {saturday: .nan}\n", [(3, "load.saturday")]),
    "infinity": ("load: {saturday: .inf}\n", [(3, "load.saturday")]),
    "negative infinity": ("load: {saturday: -.INF}\n", [(3, "load.saturday")]),
    "NaN as JavaScript has it": (
        '!{"version":1,"timezone":"UTC","load":{"saturday":NaN}}', [(1, "load.saturday")],
    ),
    "a merge key": ("<<: {mode: warn}\n", [(3, "<<")]),
    "a merge key inside": (
        "load: {capacity: {<<: &c {floor: 1}}}\n", [(3, "load.capacity.<<")],
    ),
    "a list as a key": ("? [a]\n: b\n", [(3, None)]),
    "an alias without an anchor": ("name: *x\n", [(3, "name")]),
    "an alias inside what it refers to": ("windows: &w\n- *w\n", [(4, "windows[0]")]),
    "an alias to a bad value, twice": (
        "name: &n ~\nmode: *n\n", [(3, "name"), (4, "mode")],
    ),
    "a line separator that YAML 1.2 does not break at": ("# x\u2028mode: warn\n", [(3, None)]),
    "a control character by escape": ('name: "a\\x07"\n', [(3, "name")]),
    "NUL by escape": ('!{"version":1,"timezone":"UTC","name":"\\u0000"}', [(1, "name")]),
    "a lone surrogate": ('!{"version":1,"timezone":"UTC",\n"name":"\\ud83d"}', [(2, "name")]),
    # numbers
    "a number above 1e9": ("load: {saturday: 1000000000.1}\n", [(3, "load.saturday")]),
    "a large number": ("load: {saturday: 1e10}\n", [(3, "load.saturday")]),
    "a number below -1e9": ("load: {saturday: -1000000001}\n", [(3, "load.saturday")]),
    "a number of 41 characters": ("load: {saturday: 0." + "1" * 39 + "}\n",
                                  [(3, "load.saturday")]),
    "a number of 41 zeros": ("load: {saturday: " + "0" * 41 + "}\n", [(3, "load.saturday")]),
    "an exponent without bounds": ("load: {saturday: 1e-99999999}\n", [(3, "load.saturday")]),
    "too small a number": ("load: {saturday: 0.1e-400}\n", [(3, "load.saturday")]),
    "too large a key": ("load: {hours: {0: 1, 10000000000: 1}}\n", [(3, "load.hours")]),
}  # fmt: skip
