"""``recmeta algorithms``: what there is, and one of them in full."""

import inspect
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from recmeta.cli.options import Json
from recmeta.cli.output import say, say_json, say_table

algorithms_app = typer.Typer(help="The algorithms: list them, show one.", no_args_is_help=True)


@algorithms_app.command("list")
def list_algorithms(json: Json = False) -> None:
    """Every algorithm with what it can do and the ranges of its parameters."""
    from recmeta.algorithms import all_algorithms  # late, so that --help doesn't wait for numba

    entries = [_entry(cls) for cls in all_algorithms().values()]
    if json:
        say_json(entries)
        return
    say_table(
        ("algorithm", "family", "new users", "epochs", "needs", "parameters", "what it does"),
        (
            (
                entry["name"],
                entry["family"],
                "yes" if entry["inductive"] else "no",
                "yes" if entry["iterative"] else "no",
                entry["needs"],
                str(len(entry["space"])),
                entry["summary"],
            )
            for entry in entries
        ),
        right=[5],
    )


@algorithms_app.command("show")
def show_algorithm(
    name: Annotated[str, typer.Argument(help="Its class name, in any case.")], json: Json = False
) -> None:
    """One algorithm: formula, parameters with defaults and ranges, references."""
    from recmeta.algorithms import get  # late, so that --help doesn't wait for numba

    try:
        cls = get(name)
    except KeyError as error:
        raise typer.BadParameter(str(error.args[0]), param_hint="NAME") from error
    entry = _entry(cls)
    if json:
        say_json(entry)
        return
    say(f"{entry['name']}: {inspect.getdoc(cls)}")
    if entry["needs"]:
        say(f"\nNeeds {entry['needs']}")
    if entry["space"]:
        say()
        say_table(
            ("searched parameter", "default", "range"),
            (
                (parameter, repr(entry["defaults"].get(parameter)), range_)
                for parameter, range_ in entry["space"].items()
            ),
            right=[],
        )
    fixed = {name: value for name, value in entry["defaults"].items() if name not in entry["space"]}
    if fixed:
        say(f"\nNot searched: {', '.join(f'{name}={value!r}' for name, value in fixed.items())}")


def _entry(cls: Any) -> dict[str, Any]:
    documentation = inspect.getdoc(cls) or ""
    signature = inspect.signature(cls)
    return {
        "name": cls.__name__,
        "summary": documentation.split("\n")[0],
        "family": cls.family,
        "inductive": cls.inductive,
        "iterative": cls.iterative,
        "uses": sorted(cls.uses),
        "requires": cls.requires or None,
        "needs": needs(cls),
        "defaults": {name: p.default for name, p in signature.parameters.items()},
        "space": {name: range_text(range_) for name, range_ in cls.space.items()},
    }


def needs(cls: Any) -> str:
    """What it takes besides the matrix: features, times, an extra, and whether that is there."""
    words = [name.replace("_", " ") for name in sorted(cls.uses)]
    if cls.requires:
        there = find_spec(cls.requires) is not None
        words.append(f"recmeta[{cls.requires}]" + ("" if there else " (not installed)"))
    return ", ".join(words)


def range_text(range_: Any) -> str:
    if hasattr(range_, "choices"):
        return ", ".join(str(choice) for choice in range_.choices)
    return f"{range_.low:g} to {range_.high:g}" + (" (log)" if range_.log else "")
