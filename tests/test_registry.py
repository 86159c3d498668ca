"""Discovery: a new file in the folder is in the registry; a wrong name lists the right ones."""

import importlib
import sys

import pytest

from recmeta.registry import Room, UnknownNameError, discover, find

FILES = {
    "__init__": "",
    "_base": """
        from abc import ABC, abstractmethod
        class Base(ABC):
            @abstractmethod
            def f(self): ...
    """,
    "plain": """
        from shapes._base import Base
        from shapes.other import Imported
        class Zebra(Base):
            def f(self): return 1
        class aardvark(Base):
            def f(self): return 2
        class Unfinished(Base): ...
        class _Private(Base):
            def f(self): return 3
        class NoShape: ...
        INSTANCE = Zebra()
    """,
    "other": """
        from shapes._base import Base
        class Imported(Base):
            def f(self): return 4
    """,
    "_shared": """
        from shapes._base import Base
        class Hidden(Base):
            def f(self): return 5
        raise AssertionError("private modules are not imported")
    """,
}


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    """A package on the import path: file name -> source."""
    folder = tmp_path / "shapes"
    folder.mkdir()
    for name, source in FILES.items():
        (folder / f"{name}.py").write_text(source.replace("\n        ", "\n"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "shapes"]:
        del sys.modules[name]
    importlib.import_module("recmeta.registry")._discover.cache_clear()


def base():
    return importlib.import_module("shapes._base").Base


def test_it_finds_the_concrete_classes_that_the_files_define_by_name(shapes):
    found = discover("shapes", base())
    assert list(found) == ["aardvark", "Imported", "Zebra"]
    assert {cls.__module__ for cls in found.values()} == {"shapes.plain", "shapes.other"}
    assert found["Zebra"]().f() == 1


def test_a_new_file_is_all_that_a_new_class_needs(shapes):
    (shapes / "newcomer.py").write_text(
        "from shapes._base import Base\nclass Newcomer(Base):\n    def f(self): return 9\n"
    )
    importlib.invalidate_caches()
    assert "Newcomer" in discover("shapes", base())


def test_what_a_caller_does_with_the_dict_does_not_last(shapes):
    discover("shapes", base()).clear()
    assert discover("shapes", base())


def test_a_file_that_cannot_be_imported_is_not_passed_over_in_silence(shapes):
    (shapes / "broken.py").write_text("import a_package_that_is_not_there\n")
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError, match="a_package_that_is_not_there"):
        discover("shapes", base())


@pytest.mark.parametrize("name", ["ItemKNN", "itemknn", "item_knn", "ITEM-KNN"])
def test_a_name_is_found_without_regard_to_case_and_dashes(name):
    assert find({"ItemKNN": 1, "EASE": 2}, name, "algorithm") == 1


def test_a_name_that_there_is_none_of_lists_those_there_are():
    with pytest.raises(UnknownNameError, match="EASE") as caught:
        find({"ItemKNN": 1, "EASE": 2}, "ESAE", "algorithm")
    assert str(caught.value) == (
        "no algorithm is named 'ESAE'; there are: ItemKNN, EASE. Did you mean EASE?"
    )
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, ValueError)


def test_a_room_has_its_classes_as_attributes_when_they_are_asked_for(shapes):
    room = Room("shapes", base(), "shape", ["Base", "get"], "SHAPES")
    assert room.get("ZEBRA") is room.attribute("Zebra") is room.all()["Zebra"]
    assert room.attribute("SHAPES") == room.all()
    assert room.names() == ["Base", "Imported", "Zebra", "aardvark", "get"]
    with pytest.raises(UnknownNameError, match="no shape is named 'Lion'; there are: aardvark, "):
        room.get("Lion")
    for name in ("Lion", "aardvark", ""):  # classes begin with a capital
        with pytest.raises(AttributeError, match=f"module 'shapes' has no attribute '{name}'"):
            room.attribute(name)
    with pytest.raises(AttributeError):
        Room("shapes", base(), "shape", []).attribute("")


@pytest.mark.parametrize("name", ["algorithms", "predictors", "search", "architectures"])
def test_the_folders_offer_their_classes_in_one_way(name):
    module = importlib.import_module(f"recmeta.{name}")
    (listing,) = (getattr(module, one) for one in vars(module) if one.startswith("all_"))
    for title, kind in listing().items():
        assert getattr(module, title) is module.get(title.lower()) is kind
    assert set(listing()) | set(module.__all__) == set(dir(module))
    with pytest.raises(
        AttributeError, match=rf"module 'recmeta\.{name}' has no attribute 'Nobody'"
    ):
        _ = module.Nobody
