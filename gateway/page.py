"""The page for people who write a client.  OpenAPI document -> [page] -> HTML

One page that needs nothing from elsewhere: no script, no font, no other host. Whatever stands in it is escaped, for it
comes from the files of domains."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; } code, pre { font: 13px/1.5 ui-monospace, monospace; }
table { border-collapse: collapse; margin: .5rem 0 1rem; } td, th { text-align: left; padding: .15rem .8rem .15rem 0;
vertical-align: top; border-bottom: 1px solid #eee; } th { font-weight: 600; } .method { font-weight: 700; }
"""
_HEAD = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>'
#: Nothing of another host, and no script, whatever a description holds.
SECURITY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def page(document: Mapping[str, Any]) -> str:
    """The document of `gateway.openapi`, for people.

    Args:
        document: the document.
    """
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    info, schemas = document["info"], document["components"]["schemas"]
    yield _HEAD.format(title=escape(info["title"]), style=_STYLE)
    yield f"<body><h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
    yield '<p>For tools: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
    if "security" in document:
        yield "<p>Every request under <code>/v1</code> needs <code>Authorization: Bearer TOKEN</code>.</p>"
    tag = ""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            [own_tag] = operation["tags"]
            if own_tag != tag:
                tag = own_tag
                yield f"<h2>{escape(tag)}</h2>"
                if f"{tag}.Facts" in schemas:
                    yield from _facts(schemas[f"{tag}.Facts"])
            yield f'<h3><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h3>'
            yield f"<p>{escape(operation['summary'])}</p>"
            yield from _parameters(operation.get("parameters", ()))
    yield "</body></html>"


def _facts(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "<p>The facts of a subject; what is in bold has to be there.</p>"
    yield "<table><tr><th>field</th><th>kind</th><th>takes</th><th>meaning</th></tr>"
    for name, fact in schema["properties"].items():
        of_one = fact.get("items", fact)
        needed = set(of_one.get("required", ()))
        for field, described in of_one["properties"].items():
            named = f"<code>{escape(name)}.{escape(field)}</code>"
            named = f"<b>{named}</b>" if field in needed else named
            kind = _kind(described) + (" (of each item)" if fact is not of_one else "")
            meaning = escape(described.get("description", ""))
            yield f"<tr><td>{named}</td><td>{kind}</td><td>{_bounds(described)}</td><td>{meaning}</td></tr>"
    yield "</table>"


def _parameters(parameters: Any) -> Iterator[str]:
    if parameters:
        yield "<table><tr><th>parameter</th><th>in</th><th>kind</th><th>takes</th><th>meaning</th></tr>"
        for each in parameters:
            cells = (f"<code>{escape(each['name'])}</code>", each["in"], _kind(each["schema"]), _bounds(each["schema"]))
            meaning = escape(each.get("description", ""))
            yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}<td>{meaning}</td></tr>"
        yield "</table>"


def _kind(schema: Mapping[str, Any]) -> str:
    kinds = schema["type"]
    named = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    return escape(" or ".join(named) if named != ["null"] else "none")


def _bounds(schema: Mapping[str, Any]) -> str:
    told = [f"{words} {schema[name]}" for name, words in (("minimum", "from"), ("maximum", "to")) if name in schema]
    told += [", ".join(str(value) for value in schema["enum"] if value is not None)] if "enum" in schema else []
    return escape(" ".join(told))
