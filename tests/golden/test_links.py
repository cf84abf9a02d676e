"""What documents and comments point to is there: links, anchors, files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "build")
FOLDERS = [name for name in FOLDERS if not name.startswith(".")] + [".ci", ".github"]
SOURCES = {".c", ".h", ".py", ".md", ""}

LINK = re.compile(r"\]\(([^)\s]*)\)")
# A path from the repository's root; what follows a name that isn't a folder's is somebody else's.
PATH = re.compile(rf"(?<![\w/.~$)}}-])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*")
# A file's name alone.
FILE = re.compile(r"`([A-Z]+\.md|[a-z0-9_-]+\.(?:c|h|py|md))`")
# Pictures, and what programs have printed.
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def files(*suffixes):
    """All of the project's, but what is generated or data."""
    found = []
    for folder in [ROOT, *(ROOT / name for name in FOLDERS)]:
        paths = folder.glob("*") if folder == ROOT else folder.rglob("*")
        found += [path for path in paths if path.suffix in suffixes and path.is_file()]
    return [path for path in found if not {"corpus", "__pycache__"} & set(path.parts)]


DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in files(".md"))
every_document = pytest.mark.parametrize("name", DOCUMENTS)


def anchors(path):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", path.read_text()), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def is_there(path, start):
    """A path with asterisks stands for at least one file."""
    return any(start.glob(path)) if "*" in path else (start / path).exists()


def test_there_are_documents():
    assert {"README.md", "docs/architecture.md", "deploy/README.md"} <= set(DOCUMENTS)


@every_document
def test_links_lead_somewhere(name):
    document = ROOT / name
    broken = []
    for link in LINK.findall(document.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@every_document
def test_files_that_documents_name_are_there(name):
    text = BLOCK.sub("", (ROOT / name).read_text())
    names = {path.name for path in files(*SOURCES)}
    missing = [path for path in PATH.findall(text) if not is_there(path.rstrip("."), ROOT)]
    assert missing + [file for file in FILE.findall(text) if file not in names] == []


def is_comment(line):
    start = line.lstrip()
    is_directive = re.match(r"#\s*(include|define|ifn?def|if|endif|undef)\b", start)
    return (start.startswith(("*", "/*", "#")) and not is_directive) or '"""' in line


def test_files_that_comments_name_are_there():
    """From the root, or as an include names them."""
    places = [ROOT, *(ROOT / name for name in ("common", "agent", "genconf"))]
    missing = []
    for path in files(".c", ".h", ".py", ""):
        lines = path.read_text(errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            if not is_comment(line):
                continue
            for found in PATH.findall(line):
                if not any(is_there(found.rstrip("."), place) for place in places):
                    missing.append(f"{path.relative_to(ROOT)}:{number}: {found}")
    assert missing == []


def test_metrics_that_documents_name_are_the_agents():
    sources = "".join(path.read_text() for path in ROOT.glob("agent/**/*.c"))
    known = set(re.findall(r'"(?:leastjobs_)?([a-z_]+)["{]', sources))
    named = re.findall(r"`leastjobs_([a-z_]+)`", (ROOT / "docs/operations.md").read_text())
    assert len(named) > 10 and [name for name in named if name not in known] == []
