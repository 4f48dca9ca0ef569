"""What follows a minus: options of commands are words, all else is left out."""

import pytest

from search.query.options import is_option

_WORDS = "car snake kubernetes orca tv uk nfl it la name jar wall hair oil"
WORDS = frozenset(_WORDS.split())

OPTIONS = [
    "tar -xzf",
    "tar -cvf",
    "rm -rf",
    "git commit -m",
    "git commit -am",
    "what does ls -la",
    "docker run -it",
    "kubectl get pods -n",
    "curl -I",
    "python -m",
    "python -c",
    "chmod -R",
    "gcc -O2",
    "gcc -std=c11",
    "gcc -Wall",
    "mvn install -DskipTests",
    "cc -I/usr/include",
    "make -j4",
    "java -jar",
    "java -Xmx2g -version",
    "find . -name",
    "netstat -tulpn",
    "rsync -avz",
    "nmap -sV",
    "unheard -xzvf",
    "mytool --all -la",
    "store at -5C",
    "freeze at -20°C",
    "at -40",
]

EXCLUSIONS = [
    "jaguar -car",
    "jaguar -tv",
    "jaguar -uk",
    "python -snake",
    "man -uk",
    "docker -kubernetes",
    "curl -hair",
    "tar -oil",
    "football -nfl",
    "whales -orca?",
    "katze -hund",
    "radio -BBC",
    "paris -Hilton",
    "languages -C++",
    "海 -東京",
    "море -кит",
    "find jobs -uk",
]


@pytest.mark.parametrize("query", OPTIONS)
def test_an_option_of_a_command_is_a_word(query: str) -> None:
    before, _, given = query.rpartition(" -")
    assert is_option(given, before.split(), WORDS.__contains__)


@pytest.mark.parametrize("query", EXCLUSIONS)
def test_a_word_behind_a_minus_is_left_out(query: str) -> None:
    before, _, given = query.rpartition(" -")
    assert not is_option(given, before.split(), WORDS.__contains__)
