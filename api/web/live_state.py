"""The live state is that of a page in the numbers of the live dictionary."""

from dataclasses import replace

from api.views.page_state import PageState
from search.engine.first_press import first_press
from search.engine.reader import Reader
from search.query.presets import NONE
from search.query.remapping import RemappedSteering
from search.query.steering import Knob, Steering


def in_live_numbers(
    reader: Reader, state: PageState, preset: str | None = NONE
) -> tuple[PageState, RemappedSteering]:
    """Puts the state's steering and filters in the numbers of the reader's dictionary, and says what became
    of them; with the knobs of a preset (None: of the default one, if the state has no steering).

    Raises:
        InvalidSteering: nothing is known of the dictionary that the steering is of.
        InvalidFilter: a feature that is filtered by is not in the live dictionary.
        PresetNotFound: there is no preset of that name.
    """
    remapped = reader.translate(replace(state.request(), preset=preset))
    live = replace(
        state, steering=remapped.steering, filters=remapped.filters, dictionary=remapped.dictionary
    )
    return live, remapped


def preset_spelled_out(reader: Reader, state: PageState) -> tuple[PageState, RemappedSteering]:
    """The state with the knobs of the preset it names, or of the collection's default one, spelled out and
    in live numbers. From there on its addresses name no preset but "none", where there is a default one.

    Raises:
        InvalidSteering, InvalidFilter: see `in_live_numbers`.
        PresetNotFound: there is no preset of the name that the state has.
    """
    live, remapped = in_live_numbers(reader, state, state.preset or None)
    has_default = any(preset.is_default for preset in reader.snapshot.presets.values())
    return replace(live, preset=NONE if has_default else ""), remapped


def with_presses(reader: Reader, state: PageState) -> PageState:
    """The live state with what was pressed in its steering, each as far as it visibly changes the answers;
    what means nothing any more is left out.

    Raises:
        InvalidQuery, InvalidSteering, InvalidFilter, InvalidRequest: the question or a target is wrong.
    """
    for press in state.pressed:
        knob = Knob(1.0, press.target)
        asked = replace(state.request(), steering=Steering((knob,)))
        for live in reader.translate(asked).steering.knobs:
            strength = first_press(reader, state.request(), live.target, up=press.up)
            state = replace(state, steering=state.steering.with_knob(replace(live, strength=strength)))
    return replace(state, pressed=(), offset=0 if state.pressed else state.offset)
