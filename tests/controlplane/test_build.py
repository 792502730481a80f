"""The programs are built once, whole or not at all, and a machine that cannot is told why."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane import build, programs
from tests.controlplane.programs import Source

MODULE = """module saturday-gate.io/controlplane/hello

go {go}

require example.org/hello v1.2.3

replace example.org/hello v1.2.3 => ./hello
"""
HELLO = """package main

import "os"

var said = "nothing"

func main() { os.Stdout.WriteString(said) }
"""


def _usual_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of our own in the place of those of the control plane; its folder."""
    module = tmp_path / "modules" / "hello"
    (module / "hello").mkdir(parents=True)
    (module / "go.mod").write_text(MODULE.format(go="1.21"))
    (module / "go.sum").touch()
    (module / "hello" / "go.mod").write_text("module example.org/hello\n\ngo 1.21\n")
    (module / "hello" / "main.go").write_text(HELLO)
    source = Source(
        "hello", "example.org/hello", {"hello-tool": "example.org/hello"}, ("main.said={version}",)
    )
    monkeypatch.setattr(programs, "MODULES", tmp_path / "modules")
    monkeypatch.setattr(programs, "SOURCES", (source,))
    monkeypatch.setattr(programs, "PROGRAMS", ("hello-tool",))
    # Go's own build cache stays where it is: it lies below the folder that is changed next.
    monkeypatch.setenv("GOCACHE", os.environ.get("GOCACHE") or str(_usual_cache() / "go-build"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return module


@pytest.fixture
def stub_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only `go` on PATH is a script that each test writes."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(build, "_USUAL", "")
    return folder / "go"


def write(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\nPATH={os.defpath}\n{text}\n")
    program.chmod(0o755)


def built() -> list[str]:
    said: list[str] = []
    build.build(said.append)
    return said


needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="no Go")


@needs_go
def test_a_program_is_built_once_and_knows_its_version(hello: Path) -> None:
    first, again = built(), built()
    assert [line.split()[0] for line in first] == ["building", "built", "all"]
    assert again == [f"all there: {programs.cache()}"]
    said = subprocess.run([programs.program("hello-tool")], stdout=subprocess.PIPE, check=True)
    assert said.stdout == b"v1.2.3"
    assert [path.name for path in programs.cache().iterdir()] == ["hello-tool"]


@needs_go
def test_a_failed_build_leaves_nothing_and_shows_what_the_compiler_said(hello: Path) -> None:
    (hello / "hello" / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(build.BuildError, match="undefined: nonsense"):
        built()
    assert list(programs.cache().iterdir()) == []
    assert [path.name for path in programs.cache().parent.iterdir() if path.is_file()] == [
        "building.lock"
    ]


@needs_go
def test_modules_out_of_reach_are_said_to_be(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "off")
    monkeypatch.setenv("GOFLAGS", "-modcacherw")
    monkeypatch.setenv("GOMODCACHE", str(hello / "modules"))
    (hello / "go.mod").write_text(MODULE.format(go="1.21").partition("replace")[0])
    sums = (f"example.org/hello v1.2.3{what} h1:{'A' * 43}=\n" for what in ("", "/go.mod"))
    (hello / "go.sum").write_text("".join(sums))
    with pytest.raises(build.BuildError, match=r"cannot be fetched \(GOPROXY: off\)"):
        built()


def test_a_second_builder_waits_for_the_first(hello: Path, stub_go: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    write(
        stub_go,
        f'case $1 in env) echo go1.99.0 ;; *) read -r word <{gate}; echo "$word" >{tmp_path}/made;'
        ' while [ "$1" != -o ]; do shift; done; echo "#!/bin/sh" >"$2"; chmod +x "$2" ;; esac',
    )
    code = (
        "import sys; from pathlib import Path; from tests.controlplane import build, programs;"
        f"programs.MODULES = Path({str(hello.parent)!r});"
        f"programs.SOURCES = (programs.{programs.SOURCES[0]!r},);"
        "programs.PROGRAMS = ('hello-tool',);"
        "build.build(lambda text: print(text, flush=True))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def builder() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code]
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE)

    with builder() as first:
        assert first.stdout is not None
        assert first.stdout.readline().startswith("building hello-tool")
        with builder() as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "someone else is building; waiting …\n"
            gate.write_text("go on\n")
            assert second.stdout.read() == f"all there: {programs.cache()}\n"
            assert second.wait() == 0


def test_without_go_it_is_said_how_to_get_it(hello: Path, stub_go: Path) -> None:
    with pytest.raises(build.BuildError, match=r"no Go here. Install Go 1\.21 or newer"):
        built()


def test_an_old_go_is_named(hello: Path, stub_go: Path) -> None:
    write(stub_go, "echo go1.20.3")
    with pytest.raises(build.BuildError, match=r"Go 1\.21 or newer is needed.*go1\.20\.3"):
        built()


def test_a_go_that_may_not_fetch_a_newer_one_is_quoted(hello: Path, stub_go: Path) -> None:
    write(stub_go, "echo 'go.mod requires go >= 1.21 (GOTOOLCHAIN=local)' >&2; exit 1")
    with pytest.raises(build.BuildError, match="GOTOOLCHAIN=local"):
        built()


def test_kubebuilder_assets_and_path_come_before_the_cache(
    hello: Path, stub_go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert programs.missing() == "no hello-tool"
    with pytest.raises(FileNotFoundError, match="make cluster-build"):
        programs.program("hello-tool")
    for folder in (programs.cache(), stub_go.parent, tmp_path / "assets"):
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "hello-tool", "")
        monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
        assert programs.find("hello-tool") == folder / "hello-tool"
    assert built() == [f"all there: {tmp_path / 'assets'}"]


def test_other_modules_are_another_cache(hello: Path) -> None:
    before = programs.cache()
    (hello / "go.sum").write_text("example.org/other v1.0.0 h1:x\n")
    assert programs.cache() != before


def test_the_modules_of_the_project_name_their_versions() -> None:
    flags = {source.module: source.linker_flags() for source in programs.SOURCES}
    versions = {source.module: source.version() for source in programs.SOURCES}
    assert flags.keys() == {"etcd", "kubernetes", "kwok"}
    assert f"version.gitVersion={versions['kubernetes']} " in flags["kubernetes"]
    assert flags["kubernetes"].endswith(f"gitMinor={versions['kubernetes'].split('.')[1]}")
