"""``recmeta algorithms``: what there is, and one of them in full."""

import inspect
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
        ("algorithm", "new users", "iterative", "parameters", "what it does"),
        (
            (
                entry["name"],
                "yes" if entry["inductive"] else "no",
                "yes" if entry["iterative"] else "no",
                str(len(entry["space"])),
                entry["summary"],
            )
            for entry in entries
        ),
        right=[3],
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
    if entry["space"]:
        say()
        say_table(
            ("parameter", "default", "range"),
            (
                (parameter, repr(entry["defaults"].get(parameter)), range_)
                for parameter, range_ in entry["space"].items()
            ),
            right=[],
        )


def _entry(cls: Any) -> dict[str, Any]:
    documentation = inspect.getdoc(cls) or ""
    signature = inspect.signature(cls)
    return {
        "name": cls.__name__,
        "summary": documentation.split("\n")[0],
        "inductive": cls.inductive,
        "iterative": cls.iterative,
        "uses": sorted(cls.uses),
        "defaults": {name: p.default for name, p in signature.parameters.items()},
        "space": {name: _range_text(range_) for name, range_ in cls.space.items()},
    }


def _range_text(range_: Any) -> str:
    if hasattr(range_, "choices"):
        return ", ".join(str(choice) for choice in range_.choices)
    return f"{range_.low:g} to {range_.high:g}" + (" (log)" if range_.log else "")
