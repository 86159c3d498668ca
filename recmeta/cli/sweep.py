"""``recmeta sweep``: every algorithm on many data sets."""

from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from recmeta.cli import options
from recmeta.cli import sweep_options as of
from recmeta.cli.interrupt import Interrupt
from recmeta.cli.output import counted, say
from recmeta.cli.progress import printer
from recmeta.cli.reading import to_scale

if TYPE_CHECKING:
    from recmeta.experiments.plan import Plan
    from recmeta.experiments.plan_file import Study
    from recmeta.experiments.sources import Preparation
    from recmeta.experiments.sweep import Manner, Progress

# exit code: the sweep is done, but a data set or a task ended in an error, or no task ended ok
SOME_FAILED = 5
STOPPED = 130  # exit code: by Ctrl-C

EXIT_CODES = (
    "Exit codes: 0 done; 2 told wrong; 3 a damaged store; 5 a data set or a task ended in an "
    "error, or no task ended ok; 6 an extra is missing; 130 stopped by Ctrl-C: the same command "
    "goes on."
)


def sweep(
    plan: of.PlanFile = None,
    datasets: of.Datasets = None,
    root: of.Root = None,
    algorithms: of.Algorithms = None,
    kind: of.Kind = None,
    configs: of.Configs = None,
    seed: of.Seed = None,
    seeds: of.Seeds = None,
    split: of.Splits = None,
    fidelities: of.Fidelities = None,
    max_events: of.MaxEvents = None,
    time: of.FitTime = None,
    memory: of.Memory = None,
    keep_users: of.KeepUsers = None,
    stop_by: of.StopBy = None,
    curves: of.Curves = None,
    scale: options.Scale = None,
    threshold: options.Threshold = None,
    item_features: options.ItemFeatures = None,
    user_features: options.UserFeatures = None,
    jobs: of.Jobs = None,
    store: of.StorePath = Path("sweep.sqlite"),
    cache: of.Cache = None,
    resume: of.Resume = False,
    retry_errors: of.RetryErrors = False,
    retry_missing: of.RetryMissing = False,
    foresee_timeouts: of.ForeseeTimeouts = False,
    dry_run: of.DryRun = False,
    executor: of.Executor = "local",
    data: of.Data = "auto",
    json: of.JsonLines = False,
) -> None:
    """Fit algorithms x configurations on many data sets; stop and go on at any time."""
    if resume:
        options.store_at(store)
    given = {
        "datasets": datasets, "root": root, "algorithms": algorithms, "kind": kind,
        "configs": configs, "seed": seed, "seeds": seeds, "split": split,
        "fidelities": fidelities, "max_events": max_events, "time": time, "memory": memory,
        "keep_users": keep_users, "stop_by": stop_by, "curves": curves, "scale": to_scale(scale),
        "threshold": threshold, "item_features": item_features, "user_features": user_features,
    }  # fmt: skip
    study = _study(plan, {name: value for name, value in given.items() if value is not None})
    _check_extras(study.algorithms)
    planned = _plan(study)
    assert planned.data is not None
    how = planned.data.preparations(cache or Path(f"{store}.cache"))
    manner = _where(executor, data, jobs)
    manner = replace(
        manner,
        retry_errors=retry_errors,
        retry_missing=retry_missing,
        foresee_timeouts=foresee_timeouts,
    )
    if dry_run:
        from recmeta.cli.sweep_estimate import say_estimate  # late: pandas

        say_estimate(planned, how, store, manner, as_json=json)
        return
    try:
        with Interrupt() as stop:
            manner = replace(manner, stop=stop)
            progress = _run(planned, how, store, manner, as_json=json)
    except KeyboardInterrupt:
        say(f"stopped at once; what {store} has is kept, the same command goes on", err=True)
        raise typer.Exit(STOPPED) from None
    _end(progress, store)


def _end(progress: "Progress", store: Path) -> None:
    """What became of it, as an exit code."""
    if progress.stopped:
        done = progress.resumed + progress.finished
        say(
            f"stopped with {counted(done, 'task')} in {store}; the same command goes on there",
            err=True,
        )
        raise typer.Exit(STOPPED)
    if progress.total == 0 and not progress.failed:
        raise typer.BadParameter(
            "nothing to run: what they need the data sets have not", param_hint="--algorithms"
        )
    none_ok = progress.counts["ok"] + progress.resumed_ok == 0
    if none_ok and progress.total:
        say("no task ended ok: look at what they were allowed, --time and --memory", err=True)
    if progress.failed or progress.counts["error"] or none_ok:
        raise typer.Exit(SOME_FAILED)


LISTS = ("datasets", "algorithms", "split", "fidelities", "keep_users")


def _study(file: Path | None, given: dict[str, Any]) -> "Study":
    """What the file says, and over it what the options say."""
    from recmeta.experiments.plan_file import PlanError, Study, checked, read_study  # late: numba

    try:
        study = {} if file is None else read_study(file)
        for name, value in given.items():
            study[name] = checked(name, _listed(name, value) if name in LISTS else value)
        return Study(**study)
    except PlanError as error:
        raise typer.BadParameter(str(error), param_hint="--plan") from error


def _listed(name: str, text: str) -> list[Any]:
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if name != "fidelities":
        return list(entries)
    try:
        return [float(entry) for entry in entries]
    except ValueError as error:
        raise typer.BadParameter(f"not numbers: {text!r}", param_hint="--fidelities") from error


def _plan(study: "Study") -> "Plan":
    from recmeta.registry import UnknownNameError  # late: numba

    try:
        return study.plan()
    except UnknownNameError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _run(
    plan: "Plan", how: "list[Preparation]", store: Path, manner: "Manner", *, as_json: bool
) -> "Progress":
    from recmeta.experiments.store import Store  # late: pandas
    from recmeta.experiments.sweep import sweep as run_sweep

    assert plan.data is not None
    sources, shown, progress = plan.data.sources, printer(as_json=as_json), None
    with Store(store) as results:
        shown.begin(len(sources) * len(how), len(plan))
        try:
            progress = run_sweep(sources, plan, results, how, manner=manner, listen=shown.listen)
        except ConnectionError as error:  # to a cluster; what was done is in the store
            raise typer.BadParameter(str(error), param_hint="--executor") from error
        finally:
            shown.end(progress)
    return progress


def _where(executor: str, data: str, jobs: int | None) -> "Manner":
    from recmeta.experiments.sweep import Manner  # late: pandas

    if executor == "local":
        return Manner(jobs or 1)
    if executor != "ray" and ":" not in executor:
        raise typer.BadParameter(
            f"{executor!r} is neither local nor ray nor an address such as ray://HEAD:10001",
            param_hint="--executor",
        )
    from recmeta.execution import ray  # late: an extra

    if data not in ray.DATA:
        raise typer.BadParameter(f"{data!r} is none of {', '.join(ray.DATA)}", param_hint="--data")
    address = None if executor == "ray" else executor
    return Manner(jobs, executor=partial(ray.run, address=address, data=data))


def _check_extras(names: tuple[str, ...]) -> None:
    """An algorithm asked for by name whose extra is missing is refused before the start."""
    from recmeta.execution.fit import find_algorithm  # late: numba
    from recmeta.registry import MissingExtraError

    for name in names:
        extra = find_algorithm(name).requires
        if extra and find_spec(extra) is None:
            raise MissingExtraError(name, extra)
