"""Settings as the environment has them: those that cannot be used, and those that nobody reads."""

import difflib
import re
from collections.abc import Iterator, Mapping

from api.checks import Check
from search.errors import ConfigurationError
from search.settings import SERVICE_LINK, Settings, load_settings

PREFIX = "REFRACT_"
OF_CLUSTER = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)", re.ASCII)


def check_variables(environment: Mapping[str, str]) -> Iterator[Check]:
    """Looks at the settings, and at variables that look like some."""
    try:
        load_settings()
        yield Check("settings", "ok", "All settings can be used.")
    except ConfigurationError as error:
        yield Check("settings", "fail", error.message, error.hint)
    for name, value in sorted(environment.items()):
        if name.upper().startswith(PREFIX) and name.upper() not in names():
            yield _check_unknown(name, value)


def names() -> list[str]:
    """Lists the variables that are settings."""
    fields = Settings.model_fields.items()
    return [str(field.validation_alias or f"{PREFIX}{name.upper()}") for name, field in fields]


def _check_unknown(name: str, value: str) -> Check:
    if OF_CLUSTER.fullmatch(name.upper()) or SERVICE_LINK.match(value):
        told = f"{name} is what the cluster says of a service called refract; it is passed over."
        return Check("settings", "ok", told)
    near = difflib.get_close_matches(name.upper(), names(), n=1, cutoff=0.8)
    hint = (
        f"Did you mean {near[0]}?" if near else "docs/reference/settings.md lists those there are. Unset it."
    )
    return Check("settings", "warn", f"{name} is no setting: nothing reads it.", hint)
