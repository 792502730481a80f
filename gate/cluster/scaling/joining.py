"""The targets of a cluster, from its two lists: one for each thing that is scaled by one writer."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from gate.cluster.scaling.values import Reference, Target


def unlisted_owners(autoscalers: Iterable[Target], scaled: Iterable[Target]) -> bool:
    """Whether a labelled autoscaler belongs to a ScaledObject that was not listed."""
    listed = {(target.namespace, target.name) for target in scaled}
    return any(
        each.owner is not None and (each.namespace, each.owner.name) not in listed
        for each in autoscalers
    )


def joined(autoscalers: Sequence[Target], scaled: Sequence[Target]) -> tuple[Target, ...]:
    """The targets by namespace, name and kind.

    An autoscaler that a ScaledObject controls is that ScaledObject, which is what KEDA makes it
    from: a floor set on the autoscaler would be gone a moment later; also where it was made anew
    since (its name is the same, its uid another). ``scaled`` may hold ScaledObjects without the
    label; they count where they own a labelled autoscaler.
    """
    by_name = {(target.namespace, target.name): target for target in scaled}
    found = {target.uid: target for target in scaled if target.labelled}
    for each in autoscalers:
        owner = by_name.get((each.namespace, each.owner.name)) if each.owner is not None else None
        if owner is not None:
            told = found.get(owner.uid, owner)
            found[owner.uid] = replace(told, notes=_both(told.notes, each.notes))
        elif each.owner is not None:
            missing = f"belongs to {each.owner}, which does not exist"
            found[each.uid] = replace(each, notes=(*each.notes, missing))
        else:
            found[each.uid] = each
    return tuple(sorted(_rivals_named(found.values()), key=lambda target: target.key))


def _both(mine: tuple[str, ...], autoscalers: tuple[str, ...]) -> tuple[str, ...]:
    return (*mine, *(f"its autoscaler: {note}" for note in autoscalers))


def _rivals_named(targets: Iterable[Target]) -> Iterable[Target]:
    """Say of each target which others scale the same: the higher floor of them wins, or none."""
    same: defaultdict[tuple[str, Reference], list[Target]] = defaultdict(list)
    targets = tuple(targets)
    for target in targets:
        if target.scales is not None:
            same[target.namespace, target.scales].append(target)
    for target in targets:
        rivals = [] if target.scales is None else same[target.namespace, target.scales]
        names = [f"{each.kind} {each.name}" for each in rivals if each is not target]
        if not names:
            yield target
            continue
        said = f"{target.scales} is scaled by {', '.join(sorted(names))}, too: they will fight"
        yield replace(target, notes=(*target.notes, said))
