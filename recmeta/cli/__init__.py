"""The command line: each command a file, each error a code.

Exit codes: 0 ok; 1 unexpected; 2 usage; 3 bad data; 4 the budget ended with no model at all;
5 some tasks of a sweep failed, or none of them ended ok; 6 a missing extra; 7 a model file that is
not safe or not known; 130 stopped by Ctrl-C.
"""

import sys

import typer

from recmeta.cli.algorithms import algorithms_app
from recmeta.cli.datasets import datasets_app
from recmeta.cli.fit import fit
from recmeta.cli.leaderboard import leaderboard
from recmeta.cli.meta import meta_app
from recmeta.cli.nas import nas_app
from recmeta.cli.output import say, say_json
from recmeta.cli.predict import predict
from recmeta.cli.recommend import recommend
from recmeta.cli.store import store_app
from recmeta.cli.sweep import EXIT_CODES, sweep

# of a path that was given, not of the program
OF_PATHS = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError,
            PermissionError)  # fmt: skip

app = typer.Typer(
    name="recmeta",
    help="Which recommender algorithm for this interaction log: how good, at what cost, fitted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(recommend)
app.command()(fit)
app.command()(predict)
app.command(epilog=EXIT_CODES)(sweep)
app.command()(leaderboard)
app.add_typer(store_app, name="store")
app.add_typer(meta_app, name="meta")
app.add_typer(nas_app, name="nas")
app.add_typer(algorithms_app, name="algorithms")
app.add_typer(datasets_app, name="datasets")


def _version(value: bool) -> None:
    if value:
        import recmeta

        typer.echo(f"recmeta {recmeta.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True),
) -> None:
    """Which recommender algorithm for this interaction log: how good, at what cost, fitted."""


def main() -> None:
    """The program: every expected error is one line, with its exit code."""
    try:
        app()
    except KeyboardInterrupt:
        say("stopped", err=True)
        sys.exit(130)
    except (ValueError, OSError, RuntimeError, ImportError) as error:
        code = _exit_code(error)
        if code == 1:
            raise
        _say_error(error)
        sys.exit(code)


def _exit_code(error: Exception) -> int:
    """The number of an expected error; 1 for a bug, which keeps its traceback."""
    # the classes are looked up here and not at the top, so that --help doesn't wait for numpy
    from recmeta.automl import BudgetError
    from recmeta.data import DataError
    from recmeta.experiments.store import DamagedStoreError, StoreError
    from recmeta.model import ModelFileError
    from recmeta.registry import MissingExtraError, UnknownNameError

    codes: dict[type[Exception], int] = {DataError: 3, BudgetError: 4, ModelFileError: 7}
    codes |= {MissingExtraError: 6, DamagedStoreError: 3}  # before what it is a kind of
    codes |= dict.fromkeys((UnknownNameError, StoreError, *OF_PATHS), 2)
    return next((code for kind, code in codes.items() if isinstance(error, kind)), 1)


def _say_error(error: Exception) -> None:
    code = getattr(error, "code", "")
    message = getattr(error, "message", str(error))
    if isinstance(error, OSError) and error.strerror and error.filename:
        message = f"{error.filename}: {error.strerror.lower()}"
    hint = getattr(error, "hint", "")
    if "--json" in sys.argv:
        rows = getattr(error, "rows", [])
        say_json({"error": {"code": code, "message": message, "hint": hint, "rows": rows}})
    label = f"error[{code}]" if code else "error"
    say(f"{label}: {message}" + (f" {hint}" if hint else ""), err=True)
