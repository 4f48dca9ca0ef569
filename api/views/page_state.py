"""The state of a search page, which is its address:
`?q=…&dictionary=…&steer=123:1.5&preset=…&mode=…&filter=lang:en&filter=…&collection=…&limit=…&offset=…`, and
`as_typed=1` where a question that looks mistyped is meant.

The form sends more than that: `s.TARGET=STRENGTH` for each knob of the panel, `drop=TARGET` (or `drop=all`)
for its buttons, `swap=TARGET KNOBS` for one that takes others in place of a knob, and `from`, the collection
that those knobs belong to. A first press, `press=up:TARGET` or `press=down:TARGET`, and a phrase that is
wanted, `more=TEXT`, or not, `less=TEXT`, leave it to the collection how far to turn. All of it is folded into
one canonical address, so that a page without JavaScript and one with it end in the same place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams

from api.middleware.proxy import at
from search.errors import CollectionNotFound, InvalidPage, InvalidSteering
from search.query.filters import bounded, format_filter, parse_filter, parse_filters
from search.query.limits import MAX_ID, MAX_LIMIT, USUAL_MODE
from search.query.parser import MAX_RESTRICTIONS, Condition
from search.query.presets import NONE
from search.query.remapping import is_numbered
from search.query.request import SearchRequest
from search.query.steering import (
    MAX_EXAMPLES,
    MAX_KNOBS,
    MAX_PHRASE,
    MAX_STRENGTH,
    UNSTEERED,
    ConceptTarget,
    ExamplesTarget,
    FamilyTarget,
    FeatureTarget,
    Knob,
    Steering,
    Strength,
    Target,
    format_for_address,
    parse,
)
from search.responses.collections import CollectionInfo

KNOB = "s."
LEAST, MOST = "least.", "most."
UP, DOWN = "up", "down"
PRESSES = ("press", "more", "less")
STEP = 0.5
LIMIT = 10
MOST_ADDRESSED = 40_000
"""Characters of the addresses of a page's answers, one each: a page repeats them some hundred times."""


@dataclass(frozen=True)
class Press:
    """Says what is to be turned up or down, as far as the collection needs."""

    target: Target
    up: bool

    def __str__(self) -> str:
        return f"{UP if self.up else DOWN}:{self.target}"


@dataclass(frozen=True)
class PageState:
    """Holds what is asked: the question, its steering, where, and which page of the answers.

    `dictionary` is the one that features of the steering, and of links made here, are numbered in; `preset`
    names what to be steered by where there is no steering. `pressed` is what was pressed first to come here,
    in no address: steering takes its place before anything is shown.
    """

    q: str = ""
    steering: Steering = UNSTEERED
    dictionary: int | None = None
    preset: str = ""
    mode: str = USUAL_MODE
    filters: tuple[Condition, ...] = ()
    collection: str = ""
    limit: int = LIMIT
    offset: int = 0
    find: str = ""
    as_typed: bool = False
    pressed: tuple[Press, ...] = ()

    def within_room(self) -> "PageState":
        """The same with fewer answers a page where its address is long: each answer repeats it in many
        links."""
        most = max(LIMIT, MOST_ADDRESSED // len(self.url()))
        return replace(self, limit=most) if most < self.limit <= MAX_LIMIT else self

    def url(self, path: str = "/", **changes: Any) -> str:
        """Makes the canonical address of this state with some of it changed, on this or another page."""
        state = replace(self, **changes)
        fields: dict[str, str | int | list[str]] = {
            "q": state.q,
            "dictionary": state.numbered_in or "",
            "steer": format_for_address(state.steering),
            "preset": "" if state.steering.knobs else state.preset,
            "mode": state.mode if state.mode != USUAL_MODE else "",
            "filter": [format_filter(condition) for condition in state.filters],
            "collection": state.collection,
            "limit": state.limit if state.limit != LIMIT else "",
            "offset": state.offset or "",
            "find": state.find,
            "as_typed": 1 if state.as_typed else "",
        }
        query = urlencode(
            {name: value for name, value in fields.items() if value != ""},
            doseq=True,
            safe=":,",
            quote_via=quote,
        )
        return at(f"{path}{'&' if '?' in path else '?'}{query}" if query else path)

    def request(self) -> SearchRequest:
        """Makes the engine's request; the knobs of a preset are in the steering already."""
        return SearchRequest(
            query=self.q,
            steering=self.steering,
            dictionary=self.dictionary,
            preset=NONE,
            mode=self.mode,
            filters=self.filters,
            as_typed=self.as_typed,
        )

    def asks(self, q: str) -> str:
        """Makes the address of another question in the same place."""
        return self.url(q=q, offset=0, find="", as_typed=False)

    def compare(self, first: str, second: str) -> str:
        """Makes the address that says why one document stands before another."""
        return self._and({"first": first, "second": second}, "/compare")

    def url_with(self, fields: Sequence[tuple[str, str]]) -> str:
        """Makes the address of this page of answers with some more fields."""
        return _with(self.url(find=""), fields)

    def why_not(self, document: str = "") -> str:
        """Makes the address that says why a document is not among the first."""
        return self._and({"document": document} if document else {}, "/why-not")

    def repair(self, document: str = "", wrong: str = "") -> str:
        """Makes the address that says what would put a search right in which a document (its id) does not
        stand first, or a `wrong` one stands too high: of the question without steering and filters."""
        fields = {"document": document, "wrong": wrong}
        asked = PageState(q=self.q, collection=self.collection)
        return asked._and({name: value for name, value in fields.items() if value}, "/repair")

    def _and(self, fields: Mapping[str, str], path: str) -> str:
        return _with(self.url(path, find="", offset=0, limit=LIMIT), fields)

    @property
    def numbered_in(self) -> int | None:
        """Gives the dictionary, if the steering or a filter means something in one only."""
        filtered = any(condition.feature is not None for condition in self.filters)
        return self.dictionary if filtered or any(map(is_numbered, self.steering.knobs)) else None

    def narrow(self, filter: str) -> str | None:
        """Makes the address with one filter more; None if that would be too many."""
        if len(self.filters) >= MAX_RESTRICTIONS:
            return None
        return self.url(filters=bounded((*self.filters, parse_filter(filter))), offset=0)

    def widen(self, filter: str) -> str | None:
        """Makes the address without a filter; None if it is none of this address's own."""
        left = tuple(condition for condition in self.filters if format_filter(condition) != filter)
        return None if len(left) == len(self.filters) else self.url(filters=left, offset=0)

    def range_of(self, field: str) -> tuple[str, str]:
        """Gives the least and the most that a filter lets a field be, "" where that is open."""
        found = (each for each in self.filters if _is_range(each, field))
        return next(((each.least, each.most) for each in found), ("", ""))

    @property
    def full(self) -> bool:
        """Tells whether as much is turned as can be: nothing more can be added."""
        return len(self.steering.knobs) >= MAX_KNOBS

    def nudge(self, feature: int, steps: int) -> str | None:
        """Makes the address after turning a feature up (+1) or down (−1): a first press, or a step from where
        it is; at zero its knob goes away. None if that would be one knob too many."""
        target = FeatureTarget(feature)
        before = self.steering.strength_of(target)
        if before is None:
            return self.press(target, up=steps > 0)
        start = before if isinstance(before, float) else 0.0
        strength = round(min(max(start + steps * STEP, -MAX_STRENGTH), MAX_STRENGTH), 3)
        if not strength:
            return self.url(steering=self.steering.without(target), offset=0)
        return self._turned(Knob(strength, target))

    def press(self, target: Target, *, up: bool) -> str | None:
        """Makes the address after a first press on a target; None if that would be one knob too many."""
        if self.full:
            return None
        fields = {"press": str(Press(target, up))}
        if self.dictionary is not None and self.numbered_in is None and is_numbered(Knob(1.0, target)):
            fields["dictionary"] = str(self.dictionary)
        return self._and(fields, "/")

    @property
    def undone(self) -> str:
        """Makes the address without the knob that was turned last."""
        return self.url(steering=Steering(self.steering.knobs[:-1]), offset=0)

    def filtered_instead(self, target: Target, filter: Condition) -> str | None:
        """Makes the address of the question with a filter in place of a knob; None if that would be one
        filter too many."""
        filters = tuple(dict.fromkeys((*self.filters, filter)))
        if len(filters) > MAX_RESTRICTIONS:
            return None
        return self.url(filters=filters, steering=self.steering.without(target), offset=0)

    def family_url(self, family: int) -> str:
        """Makes the address of the features of one family; question and steering are kept for the way
        back."""
        return self._and({"family": str(family)}, "/features")

    def map_url(self, **fields: int) -> str:
        """Makes the address of the map of features, with a feature chosen there or a family seen nearer."""
        return self._and({name: str(number) for name, number in fields.items()}, "/features/map")

    def turn_family(self, family: int) -> str | None:
        """Makes the address of the question, or the next one, steered by a family of features too."""
        steering = self._with(Knob(1.0, FamilyTarget(family)))
        return None if steering is None else self.url(steering=steering, offset=0, find="", limit=LIMIT)

    def example(self, document: str, *, against: bool = False) -> str | None:
        """Makes the address after giving a document as an example of what is wanted, or of what is not. All
        examples are one knob; one below zero turns away from documents. None if it is an example already or
        there are too many."""
        knobs = self.steering.knobs
        turned = ((knob.strength, knob.target) for knob in knobs if isinstance(knob.target, ExamplesTarget))
        strength, before = next(turned, (1.0, None))
        if before is None:
            fits = len(document) <= MAX_ID
            return self.press(ExamplesTarget((document,), ()), up=not against) if fits else None
        if document in before.like + before.unlike or len(document) > MAX_ID:
            return None
        if len(before.like) + len(before.unlike) >= MAX_EXAMPLES:
            return None
        knob = _with_example(float(strength), before, document, against=against)
        return self.url(steering=self.steering.without(before).with_knob(knob), offset=0)

    def off(self, feature: int) -> str | None:
        """Makes the address after leaving a feature out of the question; None if that would be one knob too
        many."""
        return self._turned(Knob("off", FeatureTarget(feature)))

    def phrase(self) -> Target | None:
        """Makes a target of what is in the find box; None if it is too long for one."""
        return ConceptTarget(self.find) if len(self.find) <= MAX_PHRASE else None

    def only(self, feature: int) -> Steering | None:
        """Keeps the steering, with one feature turned fully up; None if that would be one knob too many."""
        return self._with(Knob(1.0, FeatureTarget(feature)))

    def strength(self, feature: int) -> Strength | None:
        """Gives how far a feature is turned, None if it is not."""
        return self.steering.strength_of(FeatureTarget(feature))

    def _turned(self, knob: Knob) -> str | None:
        steering = self._with(knob)
        return None if steering is None else self.url(steering=steering, offset=0)

    def _with(self, knob: Knob) -> Steering | None:
        if self.full and self.steering.strength_of(knob.target) is None:
            return None
        return self.steering.with_knob(knob)


def _with(address: str, fields: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """Adds fields to an address."""
    more = urlencode(fields, quote_via=quote)
    return f"{address}{'&' if '?' in address else '?'}{more}" if more else address


def _with_example(strength: float, before: ExamplesTarget, document: str, *, against: bool) -> Knob:
    """Makes the knob of some examples and one more. Where nothing is wanted yet it turns away from others."""
    like, unlike = (before.unlike, before.like) if strength < 0 else (before.like, before.unlike)
    like, unlike = (like, (*unlike, document)) if against else ((*like, document), unlike)
    if like:
        return Knob(abs(strength), ExamplesTarget(like, unlike))
    return Knob(-abs(strength), ExamplesTarget(unlike, ()))


def read_state(params: QueryParams) -> PageState:
    """Reads an address or a sent form.

    Raises:
        InvalidSteering: a knob is malformed or out of range.
        InvalidFilter: a filter is malformed.
        InvalidPage: `limit` or `offset` is no whole number.
    """
    filters = _with_ranges(parse_filters(params.getlist("filter")), params)
    collection = params.get("collection", "")
    steering, preset, pressed = _folded(params), params.get("preset", ""), _pressed(params)
    if params.get("from", collection) != collection:
        preset = ""
        phrases = (knob for knob in steering.knobs if isinstance(knob.target, ConceptTarget))
        steering = Steering(tuple(phrases))
        pressed = tuple(press for press in pressed if isinstance(press.target, ConceptTarget))
        filters = ()
    return PageState(
        q=params.get("q", ""),
        steering=steering,
        dictionary=_dictionary(params),
        preset=preset,
        mode=params.get("mode") or USUAL_MODE,
        filters=filters,
        collection=collection,
        limit=_whole(params, "limit", LIMIT),
        offset=_whole(params, "offset", 0),
        find="" if "press" in params else params.get("find", "").strip(),
        as_typed=params.get("as_typed", "") == "1",
        pressed=pressed,
    )


def page_state(params: QueryParams, collection: str) -> PageState:
    """Reads the state and fills the collection in, for pages that belong to one."""
    return replace(read_state(params), collection=collection)


def is_sent_form(params: Mapping[str, str]) -> bool:
    """Tells whether these fields should be folded into a canonical address before anything is shown."""
    return any(
        name.startswith((KNOB, LEAST, MOST))
        or name in (*PRESSES, "drop", "swap", "from")
        or (name != "q" and value == "")
        for name, value in params.items()
    )


def _is_range(condition: Condition, field: str) -> bool:
    return condition.field == field and not (condition.values or condition.negated or not field)


def _with_ranges(filters: tuple[Condition, ...], params: Mapping[str, str]) -> tuple[Condition, ...]:
    """Puts what was written into the two boxes of a field in place of the range that it had."""
    fields = dict.fromkeys(name.partition(".")[2] for name in params if name.startswith((LEAST, MOST)))
    for field in fields:
        least, most = (params.get(f"{end}{field}", "").strip() for end in (LEAST, MOST))
        kept = [each for each in filters if not _is_range(each, field)]
        filters = bounded([*kept, *([Condition(field, least=least, most=most)] if least or most else [])])
    return filters


def _folded(params: Mapping[str, str]) -> Steering:
    """Folds the panel's numbers and the pressed button into the steering."""
    steering = parse(params.get("steer", ""))
    for name, value in params.items():
        if name.startswith(KNOB) and value.strip():
            steering = steering.with_knob(_knob(name.removeprefix(KNOB), value))
    dropped, _, instead = params.get("swap", params.get("drop", "")).partition(" ")
    if dropped == "all":
        return UNSTEERED
    steering = Steering(tuple(knob for knob in steering.knobs if str(knob.target) != dropped))
    for knob in parse(instead).knobs[: max(MAX_KNOBS - len(steering.knobs), 0)]:
        steering = steering if steering.strength_of(knob.target) is not None else steering.with_knob(knob)
    return steering


def _pressed(params: Mapping[str, str]) -> tuple[Press, ...]:
    """Reads what was pressed, and the phrases that are wanted or not.

    Raises:
        InvalidSteering: what was pressed is no target.
    """
    direction, _, target = params.get("press", "").partition(":")
    pressed = [Press(_knob(target, "1").target, direction != DOWN)] if target else []
    phrases = (("more", True), ("less", False))
    told = [(params.get(name, "").strip(), up) for name, up in phrases]
    return (*pressed, *(Press(ConceptTarget(text), up) for text, up in told if text))


def _knob(target: str, value: str) -> Knob:
    """Reads one number of the panel.

    Raises:
        InvalidSteering: it is not one knob.
    """
    knobs = parse(f"{target}:{value}").knobs
    if len(knobs) != 1:
        raise InvalidSteering(f"{value!r} is not a strength.", hint="Write it as 1.5, with a point.")
    return knobs[0]


def _dictionary(params: Mapping[str, str]) -> int | None:
    text = params.get("dictionary", "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidSteering(
            f"dictionary={text[:40]!r} is not a dictionary's number.", hint="Without one it is the live one."
        )
    return int(text) if text else None


def _whole(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, "").strip()
    if not text:
        return default
    if not text.lstrip("+-").isdecimal() or len(text) > 12:
        raise InvalidPage(f"{name}={text[:40]!r} is not a whole number.", hint=f"Try {name}={default}.")
    try:
        return int(text)
    except ValueError:
        raise InvalidPage(
            f"{name}={text[:40]!r} is not a whole number.", hint=f"Try {name}={default}."
        ) from None


def asked_or_default(known: list[CollectionInfo], asked: str, default: str) -> CollectionInfo | None:
    """The collection asked for, or the default one where none is. Before there is a default one, the first
    by name: it may be on its way.

    Raises:
        CollectionNotFound: there is none of the name asked for.
    """
    found = {info.name: info for info in known}
    if asked and asked not in found:
        raise CollectionNotFound(
            f"There is no collection {asked[:80]!r}.",
            hint=f"Try one of: {', '.join(found)}." if found else "",
        )
    return found.get(asked or default) or next(iter(known), None)
