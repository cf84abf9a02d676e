"""What documents say of results is what the results say."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import readme_table  # noqa: E402


def test_the_readmes_table_is_that_of_the_committed_results():
    assert readme_table.table_of_readme() == readme_table.table(readme_table.RESULTS), (
        "tests/bench/readme_table.py --write brings it up to date"
    )
