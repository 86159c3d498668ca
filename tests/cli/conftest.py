"""The command line in this process, for the tests of its commands and exit codes."""

import sys

import pytest

from recmeta import cli


@pytest.fixture
def run(monkeypatch, capsys):
    """The program in this process: arguments -> exit code, standard output, standard error."""

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["recmeta", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return called
