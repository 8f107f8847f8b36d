"""Fail when a test was skipped that may not be: a skip on the build server is a test that nobody runs.

    python tools/check_skips.py ALLOWED REPORT.xml...

ALLOWED holds one shell pattern per line, matched against `module.name`, with its reason after a `#`.
"""

import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree import ElementTree as ET


def skipped(report: Path) -> Iterator[tuple[str, str]]:
    """Name and reason of each skipped test; an expected failure is a known gap, not a skip."""
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote the file a moment ago
    if not cases:
        raise SystemExit(f"{report} reports no test at all")
    for case in cases:
        skip = case.find("skipped")
        if skip is not None and skip.get("type") == "pytest.skip":
            yield f"{case.get('classname')}.{case.get('name')}", skip.get("message") or "no reason given"


def allowed_patterns(path: Path) -> list[str]:
    """The patterns of the allow-list, without their reasons."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def main(allow_list: Path, reports: list[Path]) -> None:
    """Print the skips that are not allowed and end with their judgement."""
    patterns = allowed_patterns(allow_list)
    skips = [skip for report in reports for skip in skipped(report)]
    surprises = [(name, reason) for name, reason in skips if not any(fnmatchcase(name, p) for p in patterns)]
    for name, reason in surprises:
        print(f"skipped, but not in {allow_list}: {name}: {reason}", file=sys.stderr)
    if surprises:
        raise SystemExit(1)
    print(f"skips: {len(skips)}, all of them allowed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
