"""Look for known vulnerabilities in every pinned version, and list what make installs: ``make audit``.

The versions of constraints.txt are looked up in two services. What they said goes into docs/audit.json, also if they
could not be reached. The list of what make installs, with hashes, goes into build/sbom.json in the format CycloneDX.
"""

import datetime
import hashlib
import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVICES = ("osv", "pypi")
MOST_WORDS = 400  # characters of what a service said instead of an answer


def main() -> int:
    """Write both files and print one line for each service; return 1 unless one knows all versions and no fault."""
    list_packages()
    pins = read_pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    record = {"date": datetime.date.today().isoformat(), "tool": f"pip-audit {version('pip-audit')}"}
    answers = {service: summarize(*ask(service, pins)) for service in SERVICES}
    record |= {"packages": len(pins), "versions": fingerprint(pins), "services": answers}
    path = ROOT / "docs" / "audit.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for service, answer in answers.items():
        faults = [f"{fault['id']} in {fault['package']}" for fault in answer["found"]]
        words = [
            answer.get("said", "no other is known to have a fault" if faults else "none has a known fault"),
            *faults,
        ]
        print(f"{service}: {answer['examined']} of {len(pins)} versions examined; {'; '.join(words)}")
    return int(not is_clean(record))


def list_packages() -> None:
    """Write the list of what make installs; it says nothing about this machine."""
    (ROOT / "build").mkdir(exist_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "requirements.lock"]
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "-o", "build/sbom.json"]
    subprocess.run([*command, *options], cwd=ROOT, check=True)


def read_pins(text: str) -> list[str]:
    """Return the lines NAME==VERSION of constraints.txt, without the systems that they are for: all are examined."""
    return [line.split(" ;")[0] for line in text.splitlines() if not line.startswith("#")]


def fingerprint(pins: list[str]) -> str:
    """Return the SHA-256 of all pinned versions."""
    return hashlib.sha256("\n".join(sorted(pins)).encode()).hexdigest()


def ask(service: str, pins: list[str]) -> tuple[dict | None, str]:
    """Return pip-audit's report, or None if it wrote none, and the last line that it printed."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, report = Path(folder, "pins.txt"), Path(folder, "report.json")
        wanted.write_text("\n".join(pins), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "-r", wanted, "--no-deps", "--disable-pip", "-s", service]
        options = ["-f", "json", "-o", report, "--progress-spinner", "off"]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        text = report.read_text(encoding="utf-8") if report.exists() else ""
    return json.loads(text) if text else None, (done.stderr.strip().splitlines() or [""])[-1]


def summarize(report: dict | None, last_line: str) -> dict:
    """Return how many versions were examined, what was found, and if some were not examined, the words that say why.

    pip-audit itself calls a package that it could not look up no known vulnerability.
    """
    if report is None:
        return {"examined": 0, "found": [], "said": last_line[:MOST_WORDS]}
    skipped = [each["skip_reason"] for each in report["dependencies"] if "skip_reason" in each]
    examined = [each for each in report["dependencies"] if "skip_reason" not in each]
    found = [
        {"package": each["name"], "version": each["version"], "id": fault["id"], "fixed_in": fault["fix_versions"]}
        for each in examined
        for fault in each["vulns"]
    ]
    said = {"said": f"{skipped[0]}; {len(skipped)} such answers"[:MOST_WORDS]} if skipped else {}
    return {"examined": len(examined), "found": found, **said}


def is_clean(record: dict) -> bool:
    """Tell whether a service examined every version, and none found anything."""
    answers = record["services"].values()
    whole = any(answer["examined"] == record["packages"] for answer in answers)
    return whole and not any(answer["found"] for answer in answers)


if __name__ == "__main__":
    sys.exit(main())
