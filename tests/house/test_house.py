"""The house rules that no linter keeps: sizes, sources, purity of money, examples, tracked text.

Each test collects every offender before it fails, so that one run tells all that must be mended.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "stavbill"
PURE_ROOMS = ("billing", "plan")

MODULE_LINES = 400
FUNCTION_LINES = 60
POSITIONAL_PARAMETERS = 5
EXAMPLES = tuple(f"E{number}" for number in range(1, 15))
# E5 as a word of an id, or e5 between the underscores of a name.
EXAMPLE = re.compile(r"(?<![^\W_])[Ee]\d+(?![^\W_])")

SECRET_NAME = re.compile(r"(?:^|_)(?:secret|token|signature|password)$")
SOURCE = re.compile(r"\bSource:|§|\bSources:")
# Kinds of class that name values or shapes for the rules, but are no rule themselves.
NOT_A_RULE = {"Enum", "IntEnum", "StrEnum", "Protocol", "Exception", "NamedTuple"}

# An empty group inside each word, so that this file does not accuse itself.
UNFINISHED = re.compile(r"\b(?:TO(?:)DO|FIX(?:)ME|XX(?:)X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:work|root|tmp|home/\w+|opt/(?:py(?:)pi|wheels))(?:/|\b)")
REGISTRY_HOST = re.compile(
    r"py(?:)pi\.org|python(?:)hosted\.org|npm(?:)js\.(?:org|com)|deb(?:)ian\.org"
    r"|proxy\.gol(?:)ang\.org|crates\.(?:)io\b"
)

type_of_function = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Named = Function | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Module:
    """One source file, read and parsed once."""

    path: Path
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        """Say where `node` stands, as an editor opens it."""
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"

    def functions(self) -> Iterator[Function]:
        """Give every function, methods and nested ones included."""
        return (node for node in ast.walk(self.tree) if isinstance(node, type_of_function))

    @property
    def room(self) -> str:
        """The room that the module belongs to: the first part under the package."""
        return self.path.relative_to(PACKAGE).parts[0]


@cache
def parsed(folder: Path) -> tuple[Module, ...]:
    """Read every Python file under `folder`."""
    modules = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        modules.append(Module(path, text, ast.parse(text, filename=str(path))))
    return tuple(modules)


def sources() -> tuple[Module, ...]:
    return parsed(PACKAGE)


def pure_sources() -> tuple[Module, ...]:
    return tuple(module for module in sources() if module.room in PURE_ROOMS)


@cache
def tracked_texts() -> tuple[tuple[Path, str], ...]:
    """Read every file of the project that is text: tracked, or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: nobody says which files are the project's")
    texts = []
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if not name or not path.is_file():
            continue
        raw = path.read_bytes()
        if b"\0" not in raw:
            texts.append((path.relative_to(ROOT), raw.decode("utf-8", errors="replace")))
    return tuple(texts)


def complain(rule: str, offenders: list[str]) -> None:
    """Fail with the rule and everyone who breaks it."""
    if offenders:
        pytest.fail(f"{rule}\n  " + "\n  ".join(offenders), pytrace=False)


def lines_of(function: Function) -> int:
    """Count a function's lines from `def`, its docstring left out: explaining costs nothing."""
    last = function.end_lineno or function.lineno
    count = last - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        count -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return count


def positional(function: Function) -> int:
    """Count the parameters that a caller may give by position, without self and cls."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def is_public(name: str) -> bool:
    return not name.startswith("_")


def decorators(node: Named) -> set[str]:
    """Name a definition's decorators by their last word."""
    plain = (item.func if isinstance(item, ast.Call) else item for item in node.decorator_list)
    return {ast.unparse(item).rpartition(".")[2] for item in plain}


def public_names(body: list[ast.stmt]) -> Iterator[Named]:
    """Give the public functions and classes of a module, and those classes' public methods."""
    for node in body:
        if isinstance(node, (*type_of_function, ast.ClassDef)) and is_public(node.name):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_names(node.body)


def is_rule(node: ast.stmt) -> bool:
    """Say whether a module's statement defines something that decides or computes.

    Functions do, and classes with methods; a record, an enumeration or a protocol only names.
    """
    if not isinstance(node, (*type_of_function, ast.ClassDef)) or not is_public(node.name):
        return False
    if isinstance(node, ast.ClassDef):
        bases = {ast.unparse(base).rpartition(".")[2].partition("[")[0] for base in node.bases}
        methods = [inner for inner in node.body if isinstance(inner, type_of_function)]
        return bool(methods) and not bases & NOT_A_RULE and not node.name.endswith("Error")
    return True


def test_modules_stay_small() -> None:
    complain(
        f"A module has at most {MODULE_LINES} lines: split it by what it owns.",
        [
            f"{module.at(module.tree)} has {count}"
            for module in sources()
            if (count := len(module.text.splitlines())) > MODULE_LINES
        ],
    )


def test_functions_stay_small() -> None:
    complain(
        f"A function has at most {FUNCTION_LINES} lines, docstring not counted.",
        [
            f"{module.at(function)} {function.name} has {count}"
            for module in sources()
            for function in module.functions()
            if (count := lines_of(function)) > FUNCTION_LINES
        ],
    )


def test_functions_take_few_positional_parameters() -> None:
    complain(
        f"A function takes at most {POSITIONAL_PARAMETERS} positional parameters: use keyword-only "
        "ones or a named record.",
        [
            f"{module.at(function)} {function.name} takes {count}"
            for module in sources()
            for function in module.functions()
            # A command of the CLI has one parameter for each of its options.
            if not (module.room == "cli" and is_public(function.name))
            if (count := positional(function)) > POSITIONAL_PARAMETERS
        ],
    )


def test_modules_and_public_names_have_docstrings() -> None:
    offenders = [
        f"{module.at(module.tree)} the module itself"
        for module in sources()
        if ast.get_docstring(module.tree) is None
    ]
    offenders += [
        f"{module.at(node)} {node.name}"
        for module in sources()
        for node in public_names(module.tree.body)
        if ast.get_docstring(node) is None
        and not decorators(node) & {"override", "overload", "setter"}
    ]
    complain("Every module and every public name has a docstring.", offenders)


def test_rules_name_their_source() -> None:
    complain(
        "A rule in billing/ or plan/ names its source («Source: billing rules §7») in its "
        "docstring or its module's.",
        [
            f"{module.at(node)} {getattr(node, 'name', '')}"
            for module in pure_sources()
            if not SOURCE.search(ast.get_docstring(module.tree) or "")
            for node in module.tree.body
            if is_rule(node) and not any(SOURCE.search(text) for text in docstrings(node))
        ],
    )


def docstrings(node: ast.stmt) -> Iterator[str]:
    """Give the docstrings of a definition and, for a class, of its methods."""
    if isinstance(node, (*type_of_function, ast.ClassDef)):
        yield ast.get_docstring(node) or ""
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                yield from docstrings(inner)


def test_the_pure_rooms_know_no_float() -> None:
    complain(
        "No float in billing/ and plan/: money is kopecks in Money, quantities are int.",
        [
            module.at(node)
            for module in pure_sources()
            for node in ast.walk(module.tree)
            if (isinstance(node, ast.Name) and node.id == "float")
            or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        ],
    )


def imported(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Give what a module imports, each with the top name that an installer must bring."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module.partition(".")[0]


def test_the_service_imports_only_what_its_lock_installs() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.MULTILINE))
    at_hand = {"stavbill", *sys.stdlib_module_names}
    for name, distributions in packages_distributions().items():
        if {re.sub(r"[-_.]+", "-", each).lower() for each in distributions} & locked:
            at_hand.add(name)
    complain(
        "The service imports only what requirements.lock installs: here a development tool may "
        "have brought the rest. Name it in pyproject.toml, then `make lock`.",
        [
            f"{module.at(node)} imports {name}"
            for module in sources()
            for node, name in imported(module)
            if name not in at_hand
        ],
    )


def test_secrets_are_compared_in_constant_time() -> None:
    complain(
        "A secret, token or signature is compared by hmac.compare_digest: == tells how much fits.",
        [
            f"{module.at(node)} {ast.unparse(node)}"
            for module in sources()
            if module.room != "sandbox"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Compare)
            and any(isinstance(sign, ast.Eq | ast.NotEq) for sign in node.ops)
            and any(is_secret(each) for each in (node.left, *node.comparators))
        ],
    )


def is_secret(node: ast.expr) -> bool:
    """Say whether an operand is named like a secret."""
    name = ast.unparse(node).rpartition(".")[2]
    return isinstance(node, ast.Name | ast.Attribute) and SECRET_NAME.search(name) is not None


# What makes a file or folder, however it is written down.
MAKING = {"write_text", "write_bytes", "mkdir", "makedirs", "touch", "mkstemp"}
OPENING = {"open", "fdopen"}
WRITING_MODE = re.compile(r"[wax+]")


def test_files_are_made_private() -> None:
    complain(
        "Files and folders are made by stavbill.files: 0600 and 0700, whatever the umask says.",
        [
            f"{module.at(node)} {ast.unparse(node.func)}"
            for module in sources()
            # The sandbox shares no line with the rest; its process sets its umask.
            if module.room not in {"sandbox", "files.py"}
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and makes_file(node)
        ],
    )


def makes_file(call: ast.Call) -> bool:
    """Say whether a call makes a file or a folder."""
    name = ast.unparse(call.func).rpartition(".")[2]
    modes = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    texts = [mode.value for mode in modes if isinstance(mode, ast.Constant)]
    return name in MAKING or (
        name in OPENING
        and any(isinstance(text, str) and WRITING_MODE.fullmatch(text[:1]) for text in texts)
    )


def test_every_room_opens_with_what_it_owns() -> None:
    packages = {module.path.parent for module in sources()}
    complain(
        "Every folder with code is a package whose __init__.py says what it owns and what not.",
        [
            str(folder.relative_to(ROOT))
            for folder in sorted(packages)
            if not (folder / "__init__.py").is_file()
            or not ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
        ],
    )


def test_every_worked_example_is_named_by_a_test() -> None:
    named: set[str] = set()
    for module in parsed(ROOT / "tests"):
        for test_id in ids_of_tests(module):
            named.update(word.upper() for word in EXAMPLE.findall(test_id))
    complain(
        "Each worked example of the billing rules §10 is named by a test's id («E5 one unit too "
        "many») or name (test_e5_…).",
        [example for example in EXAMPLES if example not in named],
    )


def ids_of_tests(module: Module) -> Iterator[str]:
    """Give the names of a module's test functions and the literal ids of their parameters."""
    for function in module.functions():
        if function.name.startswith("test_"):
            yield function.name
    for node in ast.walk(module.tree):
        if isinstance(node, ast.keyword) and node.arg in ("id", "ids"):
            for part in ast.walk(node.value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        pytest.param("Nothing is left unfinished in a tracked file.", UNFINISHED, id="unfinished"),
        pytest.param("No tracked file knows a machine's path.", MACHINE_PATH, id="machine path"),
        pytest.param("No tracked file names a registry's host.", REGISTRY_HOST, id="registry"),
    ],
)
def test_tracked_files_are_clean(rule: str, pattern: re.Pattern[str]) -> None:
    complain(
        rule,
        [
            f"{path}:{number}: {match.group()}"
            for path, text in tracked_texts()
            if pattern.search(text)
            for number, line in enumerate(text.splitlines(), start=1)
            for match in pattern.finditer(line)
        ],
    )
