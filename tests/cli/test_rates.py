"""`termline rates import`: all of a file or nothing, once, and what waits is decided."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from app.cli import group

HEADER = "from,to,day,rate,source"
FRIDAY, TUESDAY = "EUR,USD,1999-03-05,1.10,ECB", "EUR,USD,1999-03-09,1.2,ECB"


def test_all_of_a_file_is_recorded_or_nothing(fresh_database: str, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"

    def run(*lines: str, options: tuple[str, ...] = ()) -> tuple[int, str]:
        file.write_text("\n".join([HEADER, *lines]))
        given = ["rates", "import", str(file), *options]
        done = CliRunner().invoke(group, given, env={"DATABASE_URL": fresh_database})
        return done.exit_code, done.output

    assert run(FRIDAY, TUESDAY, options=("--carry",)) == (0, "5 rates recorded, 0 known already.\n")
    status, said = run("GBP,USD,1999-03-05,1.6,ECB", "EUR,USD,1999-03-07,1.15,ECB")  # a Sunday that has another rate
    assert status == 2
    assert "EUR/USD/1999-03-07 is 1.1 by ECB of 1999-03-05 already. To correct it, say why" in said
    status, said = run(FRIDAY, "GBP,USD,1999-03-05,1.6,ECB", options=("--json",))
    assert (status, json.loads(said)) == (0, {"recorded": 1, "known": 1})
    status, said = run("EUR,USD,1999-03-10,0,ECB", "EUR,ZZZ,1999-03-10,1,ECB")
    assert status == 2
    assert "/0/rate" in said
    assert "/1/to" in said
    assert run("EUR,USD,10 March,1,ECB") == (2, f"{file}:2: day is a date YYYY-MM-DD; found '10 March'.\n")
