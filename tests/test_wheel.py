"""A wheel works from any folder, without the source tree."""

import os
import re
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("search", "indexer", "api", "templates", "migrations")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel, and nothing else, has been installed."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("refract-*.whl")
    install = [*pip, "install", "--no-deps", "--no-index", "--target", str(folder / "site"), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "site"


def start_installed(site: Path, cwd: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts Python with the wheel and the dependencies, but without the source tree.

    -S leaves out .pth files, by which an editable installation would bring the source tree back.
    """
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["PYTHONPATH"] = os.pathsep.join([str(site), sysconfig.get_path("purelib")])
    environment["REFRACT_DATA"] = str(cwd / "data")
    return subprocess.Popen(
        [sys.executable, "-S", *arguments], cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True
    )


def output(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said


def files_below(root: Path) -> set[str]:
    """Relative paths of what lies in the shipped folders, compiled files left out."""
    found = (path for name in SHIPPED for path in (root / name).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix() for path in found if path.suffix != ".pyc"}


def test_every_source_template_migration_and_static_file_is_installed(site: Path) -> None:
    installed = files_below(site)
    assert installed == files_below(ROOT)
    assert any(name.startswith("templates/") for name in installed)
    assert any(name.startswith("migrations/versions/") for name in installed)
    assert any(name.startswith("api/static/") for name in installed)


def test_nothing_but_the_shipped_folders_is_installed(site: Path) -> None:
    names = {path.name for path in site.iterdir() if path.suffix != ".dist-info"}
    assert names == {*SHIPPED, "bin"}


def test_the_packages_are_imported_from_the_wheel(site: Path, tmp_path: Path) -> None:
    program = "import api, indexer, search; print(api.__file__, indexer.__file__, search.__file__, sep='\\n')"
    for path in output(start_installed(site, tmp_path, "-c", program)).splitlines():
        assert Path(path).is_relative_to(site)


def test_it_serves_from_any_folder(site: Path, tmp_path: Path) -> None:
    """Migrations, templates and static files are found: a store is made, a page and its style answer."""
    command = str(site / "bin" / "refract")
    process = start_installed(site, tmp_path, command, "serve", "--port", "0")
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = re.search(r"http://[0-9.:]+", said)
        assert address, f"no address in {said!r}"
        status, page = fetch(address[0])
        style = re.search(r'href="(/static/[^"]+)"', page)
        assert status == 503, "nothing is indexed yet"
        assert style, page
        assert fetch(address[0] + style[1])[0] == 200
    finally:
        process.terminate()
        process.communicate(timeout=60)


def fetch(url: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
