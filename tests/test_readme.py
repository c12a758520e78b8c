"""The README is true: its tour is run, command by command, and prints what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.cli import group

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MARK = "termline-readme-mark"


@dataclass
class Command:
    text: str
    output: str


def tour() -> list[Command]:
    """Return the commands of the README's console blocks with the output shown under each."""
    commands: list[Command] = []
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append(Command(line[2:], ""))
            elif line.startswith("> "):
                commands[-1].text += "\n" + line[2:]
            else:
                commands[-1].output += line + "\n"
    return commands


def test_the_tour_prints_what_the_readme_says(tmp_path: Path) -> None:
    commands = tour()
    assert len(commands) >= 15
    for name in ("fixtures", "rules"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "TERMLINE_HOME")}
    demo = subprocess.run(
        [".venv/bin/termline", "demo"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert demo.returncode == 0, demo.stderr
    assert "1997-01" in demo.stdout
    assert "0.30 USD paid" in demo.stdout

    script = "\n".join(f"{command.text}\necho {MARK}" for command in commands)
    done = subprocess.run(
        ["bash"], input=script, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=420
    )
    outputs = done.stdout.split(MARK + "\n")
    assert len(outputs) == len(commands) + 1, done.stderr
    for command, printed in zip(commands, outputs, strict=False):
        # `head -c` leaves no end of line; the README cannot show that.
        assert printed.strip() == command.output.strip(), f"$ {command.text}\n{done.stderr}"


def test_the_two_commands_are_there() -> None:
    commands = re.findall(r"```sh\n(.*?)\n```", README)
    assert commands == [
        "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/termline demo",
        ".venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
    ]


def test_every_command_and_setting_is_named() -> None:
    for command in group.commands:
        assert f"`termline {command}" in README
    settings = (ROOT / "app" / "settings.py").read_text()
    for name in set(re.findall(r'"(TERMLINE_[A-Z_]+|DATABASE_URL)"', settings)):
        assert f"`{name}`" in README
