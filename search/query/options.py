"""Options of commands (tar -xzf, git commit -m, store at -5C), which nobody wants left out.

What follows a minus is an option, and stays among the words, where it is

    a number, or begins with one                         -5, -5C, -273.15
    one letter, alone or with a number                   commit -m, gcc -O2
    a setting or a path                                  -std=c11, -I/usr/include
    a cluster of letters that is no word                 tar -xzf, nmap -sV
    after a command: up to two letters, what is no word, or an option that many commands have
                                                         docker run -it, java -jar, find . -name

All else is an exclusion: jaguar -car, python -snake, docker -kubernetes.
"""

import re
from collections.abc import Callable, Sequence

_COMMANDS = (
    "7z ansible apk apt apt-get awk aws bzip2 cargo cd chgrp chmod chown clang cmake conda cp cron "
    "crontab csh curl dd deno df diff dnf docker docker-compose dotnet dpkg du egrep ffmpeg ffprobe fgrep "
    "g++ gawk gcc gcloud gdb gh git gpg gradle grep gunzip gzip htop ifconfig initdb iptables javac "
    "journalctl jq ksh kubectl ld ldd ln ls lsblk lsof lua mkdir mkfs mongo mongodump mvn mysql mysqldump "
    "nc netcat netstat nginx nmap nohup npm npx nslookup openssl pacman pg_dump php pip pip3 pipx pnpm "
    "podman powershell ps psql pwd py pytest python2 python3 redis-cli rg rm rmdir robocopy rpm rsync "
    "rustc scp sed sftp sh ssh ssh-keygen strace sudo svn systemctl tar taskkill tcpdump terraform tmux "
    "tr tsc ufw umount uname uniq unzip useradd uv vi vim virtualenv wc wget whoami xargs xcopy yarn yum "
    "zip zsh"
)
COMMANDS = frozenset(_COMMANDS.split())
"""Names of programs that say little else: what follows them anywhere may be their option."""

_WORDY = (
    "at az bash brew bun cat composer cut date dig dir echo find gem go head helm host id ip java join "
    "kill last less make man more mount node perl ping python route ruby screen sort split ss su swift "
    "tail tee test time top touch trace watch who"
)
WORDY = frozenset(_WORDY.split())
"""Names of programs that are words: only what follows them at once may be their option."""

_USUAL = (
    "ant art classpath cp delete elf exec help iname jar maxdepth mindepth mtime name newkey noout "
    "pedantic perm print recursive regex shared static std type verbose version wall werror wextra"
)
USUAL = frozenset(_USUAL.split())
"""Options of many letters that are written with one minus."""

_NUMBERED = re.compile(r"\d.*|[A-Za-z]\d*(?:[./~:].*)?|.*=.*", re.DOTALL)
_CLUSTER = re.compile(r"[A-Za-z]{2,4}")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_PATH = re.compile(r"--\w.*|-[A-Za-z]|\.{0,2}/.*|~/.*|\.|\*\S*|\|")
_AROUND = ".,;:!?()[]$`'"
_LONGEST = 6

IsWord = Callable[[str], bool]
"""Whether people use a word, in small letters."""


def is_option(given: str, before: Sequence[str], is_word: IsWord) -> bool:
    """Whether what follows a minus is an option, by the words that stand before it."""
    word = given.rstrip(_AROUND)
    if not word or not word[0].isalnum() or _NUMBERED.fullmatch(word):
        return True
    if not word.isascii() or not word.isalnum():
        return False
    known, mixed = is_word(word.lower()), not (word.islower() or word.isupper() or word.istitle())
    names = [name.strip(_AROUND).lower() or name for name in before]
    surely = any(name in COMMANDS for name in names) or any(map(_PATH.fullmatch, before))
    if surely or _may_be_command(names, is_word):
        short = len(word) <= 2 and (surely or not known)
        return short or word.lower() in USUAL or (not known and (len(word) <= _LONGEST or mixed))
    if known or not _CLUSTER.fullmatch(word):
        return False
    return mixed or (word.islower() and not _VOWEL.search(word))


def _may_be_command(names: list[str], is_word: IsWord) -> bool:
    """Whether words end with a program's name, but for its options, or are one that is no word."""
    nearest = next((name for name in reversed(names) if not name.startswith("-")), "")
    return nearest in WORDY or (len(names) == 1 and _is_no_word(nearest, is_word))


def _is_no_word(name: str, is_word: IsWord) -> bool:
    return name.isascii() and name.isalpha() and not _VOWEL.search(name) and not is_word(name)
