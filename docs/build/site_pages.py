"""Hooks of MkDocs: pages that are not in docs/, links to files, equations, examples of docstrings.

The pages are written for GitHub, where they link to each other and to files anywhere. On the site
a link to a file that is no page leads to a copy of it, and a link to a folder becomes plain text.
"""

import ast
import json
import posixpath
import re
from pathlib import Path
from typing import Any

from latex2mathml import converter
from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
# Pages of the repository that lie elsewhere. Their folder decides what their links mean.
ELSEWHERE = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *("benchmarks/README.md", "benchmarks/loss_steps.md"),
)
NOTEBOOKS = ("tutorial",)
COPIES = "files"  # folder of the site for files that pages link to
LINK = re.compile(r"(?P<text>!?\[[^\]]*\])\((?P<to>[^)\s#]+)(?P<part>#[^)\s]*)?\)")
FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)
MATH = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_config(config: Any) -> Any:
    """Read examples as code, also in docstrings."""
    config.markdown_extensions.append(Examples())
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from elsewhere, the notebooks and the reference."""
    for name in ELSEWHERE:
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=text))
    for name in NOTEBOOKS:
        path = ROOT / "docs" / f"{name}.ipynb"
        files.append(File.generated(config, f"{name}.md", content=from_notebook(path)))
        files.remove(files.get_file_from_path(path.name))
    files.append(File.generated(config, "reference.md", content=reference()))
    return files


def on_page_markdown(text: str, page: Any, config: Any, files: Files) -> str:
    """Lead the links of a page to pages and copies of the site."""
    source = page.file.src_uri
    folder = posixpath.dirname(source if source in ELSEWHERE else f"docs/{source}")

    def led(link: re.Match[str]) -> str:
        if "://" in link["to"]:
            return link[0]
        found = posixpath.normpath(posixpath.join(folder, link["to"]))
        if (ROOT / found).is_dir():
            return link["text"][1:-1]
        target = found if found in ELSEWHERE else found.removeprefix("docs/")
        target = target.replace(".ipynb", ".md")
        if files.get_file_from_path(target) is None and (ROOT / found).is_file():
            target = f"{COPIES}/{found}"
            if files.get_file_from_path(target) is None:
                content = (ROOT / found).read_bytes()
                files.append(File.generated(config, target, content=content))
        to = posixpath.relpath(target, posixpath.dirname(source))
        return f"{link['text']}({to}{link['part'] or ''})"

    parts = FENCE.split(text)  # what is in a fence is code
    return "".join(part if part.startswith("```") else LINK.sub(led, part) for part in parts)


def on_page_content(html: str, **_: Any) -> str:
    """Write equations as MathML, which browsers draw without a script."""

    def drawn(found: re.Match[str]) -> str:
        latex = re.sub("&lt;", "<", re.sub("&gt;", ">", re.sub("&amp;", "&", found[3])))
        return converter.convert(latex, display="block" if found[2] == "[" else "inline")

    return MATH.sub(drawn, html)


class Examples(Extension):
    """Markdown in which a paragraph that begins with >>> is code."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(_Fence(md), "examples", 26)  # before fences are read


class _Fence(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        text = re.sub(r"(?:^>>> .*\n(?:.+(?:\n|$))*)", self._fenced, "\n".join(lines), flags=re.M)
        return text.split("\n")

    def _fenced(self, found: re.Match[str]) -> str:
        return f"```pycon\n{found[0].rstrip()}\n```\n"


def from_notebook(path: Path) -> str:
    """A notebook as Markdown: its text, its code, what it printed and drew."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            if drawn := output.get("data", {}).get("image/png"):
                parts.append(f'<img src="data:image/png;base64,{drawn.strip()}" alt="Rate maps">')
            else:
                parts.append(f"```text\n{''.join(output['text']).rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def reference() -> str:
    """The page of the reference: every name of `import nofreelunch`, from its docstring."""
    code = (ROOT / "workflow" / "nofreelunch" / "__init__.py").read_text(encoding="utf-8")
    [homes] = [
        ast.literal_eval(node.value)
        for node in ast.parse(code).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    ]
    head = "# Reference\n\nEvery name of `import nofreelunch as nfl`. [From Python](python.md) has"
    names = "".join(f"::: nofreelunch.{home}.{name}\n\n" for name, home in homes.items())
    return f"{head} examples.\n\n{names}"
