"""What a caller built on the old file could trip over in the new one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Every change of ``new`` that takes away from ``old`` or asks for more. Additions are none."""
    return [*_paths(old["paths"], new["paths"]), *_schemas(old["components"], new["components"])]


def _paths(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for path, operations in old.items():
        for method, before in operations.items():
            if not isinstance(before, dict):
                continue
            after = new.get(path, {}).get(method)
            where = f"{method.upper()} {path}"
            if after is None:
                yield f"{where} is gone"
            else:
                yield from _operation(where, before, after)


def _operation(where: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for word in ("x-scope", "x-consistency", "operationId"):
        if old[word] != new[word]:
            yield f"{where}: {word} was {old[word]} and is {new[word]}"
    for status in old["responses"]:
        if status.startswith("2") and status not in new["responses"]:
            yield f"{where} answers {status} no more"
    if _content(old) != _content(new):
        yield f"{where}: bodies were {_content(old)} and are {_content(new)}"
    yield from _asked(where, _parameters(old), _parameters(new))


def _asked(where: str, old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield from (f"{where}: {name} is gone" for name in old.keys() - new.keys())
    for name, parameter in new.items():
        if name in old:
            yield from _property(f"{where}: {name}", old[name].get("schema", {}), parameter.get("schema", {}))
        elif parameter.get("required", True):
            yield f"{where}: {name} is new and required"


def _parameters(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(said.get("name", said.get("$ref"))): said for said in operation.get("parameters", [])}


def _content(operation: dict[str, Any]) -> list[str]:
    sent = operation.get("requestBody", {}).get("content", {})
    given = [r.get("content", {}) for status, r in operation["responses"].items() if status.startswith("2")]
    return sorted(
        f"{kind} {said['schema'].get('$ref')}" for content in (sent, *given) for kind, said in content.items()
    )


def _schemas(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for name, before in old["schemas"].items():
        after = new["schemas"].get(name)
        if after is None:
            yield f"{name} is gone"
            continue
        sent = before.get("additionalProperties") is False
        for field, was in before.get("properties", {}).items():
            if field not in after.get("properties", {}):
                yield f"{name}.{field} is gone"
            else:
                yield from _property(f"{name}.{field}", was, after["properties"][field])
        required, now = set(before.get("required", ())), set(after.get("required", ()))
        yield from (f"{name}.{field} is required now" for field in sorted(now - required) if sent)
        yield from (f"{name}.{field} may be missing now" for field in sorted(required - now) if not sent)


def _property(where: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for word in ("type", "format", "pattern", "$ref"):
        if old.get(word) != new.get(word):
            yield f"{where}: {word} was {old.get(word)} and is {new.get(word)}"
    yield from (f"{where}: {word} is gone" for word in old.get("enum", ()) if word not in new.get("enum", ()))
    for word, narrower in (("maxLength", -1), ("maximum", -1), ("minLength", 1), ("minimum", 1)):
        if word in new and (word not in old or (new[word] - old[word]) * narrower > 0):
            yield f"{where}: {word} is {new[word]} now"
    if "items" in old:
        yield from _property(f"{where}[]", old["items"], new.get("items", {}))
