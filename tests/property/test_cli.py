"""The command line gives the answers of the twin, on files, in processes of their own."""

import json
from datetime import timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.property.checks import CALENDAR_FORMS, POLICY_FORMS, agree, asking, iso, span
from tests.property.effort import examples
from tests.property.product import command_line
from tests.property.strategies import VALUES, Case, cases, instants, ranges, requests

# A process takes half a second: few examples, and no hundreds of smaller ones after a failure,
# which the same comparisons without processes make small.
FEW = settings(examples(0.04), phases=(Phase.explicit, Phase.reuse, Phase.generate))
FORMS = st.tuples(st.sampled_from(POLICY_FORMS), st.sampled_from(CALENDAR_FORMS))
HOUR = timedelta(hours=1)


@FEW
@given(
    case=cases(locks=False),
    forms=FORMS,
    zone=st.sampled_from(["UTC", "Pacific/Apia", "America/St_Johns"]),
    data=st.data(),
)
def test_check_in_batch(case: Case, forms: tuple[str, str], zone: str, data: st.DataObject) -> None:
    asked = []
    for _ in range(15):
        request = data.draw(requests())
        nulls = data.draw(st.sets(st.sampled_from([*VALUES, "actor", "action", "invoker"])))
        line = {**dict.fromkeys(nulls - set(request)), **request}
        asked.append((line, data.draw(instants(case, request))))
    lines = [json.dumps({**line, "at": iso(at)}) for line, at in asked]
    with command_line(case, *forms) as gate:
        answers, exit_code = gate.batch(lines, environment={"TZ": zone, "LC_ALL": "C"})
    assert exit_code == 0
    assert len(answers) == len(asked)
    for (line, at), answer, text in zip(asked, answers, lines, strict=True):
        agree(case, ["check", "--batch", text], answer, case.twin.decide(line, at))


@FEW
@given(case=cases(locks=False), forms=FORMS, data=st.data())
def test_check_once(case: Case, forms: tuple[str, str], data: st.DataObject) -> None:
    request = data.draw(requests())
    at = data.draw(instants(case, request))
    command = ["check", "--at", iso(at), "--json", *asking(request)]
    with command_line(case, *forms) as gate:
        done = gate.run(*command)
    expected = case.twin.decide(request, at)
    agree(case, command, json.loads(done.stdout), expected)
    assert done.returncode == (3 if expected["effect"] == "block" else 0)


@FEW
@given(case=cases(locks=False), forms=FORMS, data=st.data())
def test_windows(case: Case, forms: tuple[str, str], data: st.DataObject) -> None:
    request = {key: value for key, value in data.draw(requests()).items() if key in VALUES}
    start, end = data.draw(ranges(case))
    command = ["windows", *span(start, end), *asking(request)]
    with command_line(case, *forms) as gate:
        answer = gate.listing(*command)
    agree(case, command, answer, case.twin.windows(request, start, end))


@FEW
@given(case=cases(locks=False), forms=FORMS, data=st.data())
def test_load(case: Case, forms: tuple[str, str], data: st.DataObject) -> None:
    start, end = data.draw(ranges(case))
    step, given_step = data.draw(st.sampled_from([(HOUR, []), (3 * HOUR, ["--step", "PT3H"])]))
    command = ["load", *span(start, end), *given_step]
    with command_line(case, *forms) as gate:
        answer = gate.listing(*command)
    agree(case, command, answer, case.twin.load(start, end, step))


@FEW
@given(case=cases(locks=False), forms=FORMS, data=st.data())
def test_plan(case: Case, forms: tuple[str, str], data: st.DataObject) -> None:
    start, end = data.draw(ranges(case))
    ahead, hold, continuous, options = data.draw(
        st.sampled_from(
            [
                (HOUR / 2, HOUR, False, []),
                (HOUR, 24 * HOUR, True, ["--ahead", "60m", "--hold", "1d", "--continuous"]),
                (0 * HOUR, 0 * HOUR, False, ["--ahead", "0s", "--hold", "PT0S", "--rungs"]),
            ]
        )
    )
    command = ["plan", *span(start, end), *options]
    with command_line(case, *forms) as gate:
        answer = gate.listing(*command)
    expected = case.twin.plan(start, end, ahead=ahead, hold=hold, continuous=continuous)
    agree(case, command, answer, expected)
