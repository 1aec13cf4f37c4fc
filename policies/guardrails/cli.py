"""The command line. Exit codes: 0 clean, 1 violation, 2 unusable input."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardrails import configuration, waivers
from guardrails.evidence import bundle
from guardrails.evidence.formats import as_junit, as_sarif
from guardrails.judge import judge
from guardrails.pages import control_page, write_pages
from guardrails.registry import registry, select
from guardrails.report import Report, as_json, build, control_as_json
from guardrails.sources import UnusableInputError, load
from guardrails.summary import catalogue_part, run_part
from guardrails.terminal import print_controls, print_report, terminal

if TYPE_CHECKING:
    from datetime import date
    from types import ModuleType

FRAMEWORKS = ("pci", "soc2", "hipaa", "iso27001")
UNUSABLE = 2
HELP = """
The evidence contract:

  rm -f DIR/verdicts.jsonl
  GUARDRAILS_JOURNAL=DIR/verdicts.jsonl PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true \\
    pulumi preview --json --policy-pack policies/all > DIR/events.jsonl
  python -m guardrails evidence DIR/events.jsonl --out DIR

The events show what the engine did with the verdicts, the journal shows every verdict, passes
included; the two are compared. Waivers are read from --waivers, else GUARDRAILS_WAIVERS, else
policies/waivers.yaml.

Exit codes: 0 clean, 1 violation or undecided, 2 unusable input.
"""


def main(arguments: list[str] | None = None) -> None:
    """Parse, run, exit; an unusable input is three lines, never a traceback."""
    parsed = _parser().parse_args(arguments)
    try:
        code = parsed.run(parsed)
    except UnusableInputError as error:
        sys.stderr.write(f"✗ {error.what}\n  why: {error.why}\n  do:  {error.remedy}\n")
        code = UNUSABLE
    except BrokenPipeError:
        code = 0
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m guardrails",
        description=__doc__,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check", help="judge an exported state or a preview event stream, without an engine"
    )
    check.add_argument("file", type=Path, help="`pulumi stack export` file or event stream")
    check.add_argument("--stack", help="stack name, for waivers; default: the one in the URNs")
    check.add_argument("--framework", choices=FRAMEWORKS, help="only controls of one framework")
    check.add_argument("--config", type=Path, help="policy configuration, as for the engine")
    check.add_argument(
        "--format", choices=("table", "json", "sarif", "junit"), default="table", dest="format"
    )
    _add_waivers(check)
    check.set_defaults(run=_check)
    evidence = commands.add_parser(
        "evidence",
        help="write the evidence bundle of a preview",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    evidence.add_argument("events", type=Path, help="event stream of the preview")
    evidence.add_argument("--out", type=Path, required=True, help="directory of the bundle")
    evidence.add_argument(
        "--journal", type=Path, help="verdict journal; default: verdicts.jsonl beside the events"
    )
    evidence.add_argument("--sign", type=Path, metavar="KEY", help="sign the manifest")
    _add_waivers(evidence)
    evidence.set_defaults(run=_evidence)
    _add_sealing(commands)
    controls = commands.add_parser("controls", help="show the catalogue, or one control")
    controls.add_argument("id", nargs="?", help="a control id, e.g. DDB-01")
    controls.add_argument("--framework", choices=FRAMEWORKS)
    controls.add_argument("--format", choices=("table", "json"), default="table")
    controls.add_argument("--pages", type=Path, help="write one page per control here")
    controls.set_defaults(run=_controls)
    summary = commands.add_parser("summary", help="write the summary for auditors")
    summary.add_argument("evidence", type=Path, help="evidence.json of a bundle")
    summary.add_argument("--scope", type=Path, required=True, help="statement of scope, Markdown")
    summary.add_argument("--out", type=Path, required=True, help="file to write")
    summary.set_defaults(run=_summarize)
    return parser


def _add_sealing(commands: Any) -> None:
    verify = commands.add_parser("verify", help="check that nothing of a bundle was changed")
    verify.add_argument("bundle", type=Path, help="directory of the bundle")
    verify.add_argument("--key", type=Path, help="public key that must have signed it")
    verify.set_defaults(run=_verify)
    key = commands.add_parser("key", help="make a pair of keys to sign bundles with")
    key.add_argument("file", type=Path, help="where the secret key goes; .pub lies beside it")
    key.set_defaults(run=_key)


def _add_waivers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--waivers", type=Path, help="waiver file")


def _today() -> date:
    return datetime.now(UTC).date()


def _waivers(parsed: argparse.Namespace) -> waivers.Waivers:
    path = parsed.waivers or waivers.default_path()
    if parsed.waivers and not path.exists():
        raise UnusableInputError(
            f"{path} does not exist",
            "no such file",
            "Name the waiver file, or leave the option out.",
        )
    return waivers.load(path, registry())


def _configuration(path: Path | None) -> configuration.Configuration:
    if path is None:
        return configuration.Configuration()
    return configuration.load(path, registry())


def _check(parsed: argparse.Namespace) -> int:
    source = load(parsed.file, parsed.stack)
    file, today = _waivers(parsed), _today()
    configured = _configuration(parsed.config)
    controls = configured.applied(select(parsed.framework))
    records = judge(controls.values(), source.graph, configured.options)
    records = file.apply(records, source.stack, today)
    root = source.graph.stack()
    stack_urn = root.urn if root else ""
    records += file.findings(records, source.stack, stack_urn, today, set(controls))
    header = {
        "source": source.kind,
        "stack": source.stack,
        "project": source.project,
        "resources": len(source.graph.resources),
        "controls": len(controls),
    }
    report = build(records, controls, file, today, header=header)
    _show(report, parsed.format)
    return 0 if report.is_clean else 1


def _show(report: Report, wanted: str) -> None:
    match wanted:
        case "json":
            sys.stdout.write(json.dumps(as_json(report), indent=2) + "\n")
        case "sarif":
            sys.stdout.write(json.dumps(as_sarif(report), indent=2) + "\n")
        case "junit":
            sys.stdout.write(as_junit(report))
        case _:
            print_report(report, terminal())


def _evidence(parsed: argparse.Namespace) -> int:
    journal = parsed.journal or parsed.events.with_name("verdicts.jsonl")
    report = bundle.collect(parsed.events, journal, registry(), _waivers(parsed), _today())
    bundle.write(report, parsed.out)
    if parsed.sign:
        _sealing().seal(parsed.out, parsed.sign)
    print_report(report, terminal())
    sys.stdout.write(f"evidence: {parsed.out / 'index.html'}\n")
    return 0 if report.is_clean else 1


def _sealing() -> ModuleType:
    """Signing needs a package that judging does without."""
    try:
        from guardrails.evidence import sealing  # noqa: PLC0415 - see above
    except ImportError:
        raise UnusableInputError(
            "bundles cannot be signed or verified here",
            "the package cryptography is not installed",
            "pip install cryptography",
        ) from None
    return sealing


def _verify(parsed: argparse.Namespace) -> int:
    found = _sealing().broken(parsed.bundle, parsed.key)
    for line in found:
        sys.stdout.write(f"✗ {line}\n")
    if not found:
        signed = "signed and unchanged" if parsed.key else "unchanged (signature not asked for)"
        sys.stdout.write(f"✓ {parsed.bundle}: {signed}\n")
    return 1 if found else 0


def _key(parsed: argparse.Namespace) -> int:
    sys.stdout.write(f"{parsed.file} (keep it secret), {_sealing().make_key(parsed.file)}\n")
    return 0


def _controls(parsed: argparse.Namespace) -> int:
    if parsed.pages:
        written = write_pages(registry().values(), parsed.pages)
        sys.stdout.write(f"{written} pages in {parsed.pages}\n")
        return 0
    if parsed.id:
        control = registry().get(parsed.id.upper())
        if control is None:
            raise UnusableInputError(
                f"{parsed.id} is no control",
                "the catalogue has no such id",
                "`python -m guardrails controls` lists them.",
            )
        sys.stdout.write(control_page(control))
        return 0
    chosen = select(parsed.framework)
    if parsed.format == "json":
        sys.stdout.write(json.dumps([control_as_json(c) for c in chosen], indent=2) + "\n")
    else:
        print_controls(chosen, terminal())
    return 0


def _summarize(parsed: argparse.Namespace) -> int:
    try:
        scope = parsed.scope.read_text(encoding="utf-8")
        evidence = json.loads(parsed.evidence.read_text(encoding="utf-8"))
        run = run_part(evidence)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableInputError(
            f"{parsed.evidence} or {parsed.scope} cannot be used",
            type(error).__name__,
            "Give the evidence.json of a bundle and a readable statement of scope.",
        ) from None
    text = f"{catalogue_part(registry().values(), scope)}\n{run}"
    parsed.out.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{parsed.out}\n")
    return 0
