"""The client is a package of its own, typed, which needs httpx2 alone."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent / "clients" / "python"


def test_it_needs_nothing_but_httpx2() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["httpx2>=2"]
    program = (
        "import sys; import refract_client; "
        "print(*sorted(set(sys.modules) & {'pydantic', 'search', 'api', 'numpy', 'langchain_core'}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == ""


@pytest.mark.slow
def test_its_wheel_has_all_modules_and_says_that_it_is_typed(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*build, str(PROJECT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if name.startswith("refract_client/")}
    sources = {
        f"refract_client/{path.name}" for path in (PROJECT / "refract_client").iterdir() if path.is_file()
    }
    assert names == sources
    assert "refract_client/py.typed" in names
