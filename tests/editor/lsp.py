"""A small client of yaml-language-server: the program behind the YAML help of VS Code, Neovim and others."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

SERVER = Path(__file__).resolve().parents[2] / "tools/node/node_modules/yaml-language-server/bin/yaml-language-server"


class Editor:
    """An editor with one folder open. Requests wait for their answer; nothing is guessed from time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            ["node", str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._number = 0
        self._version = 0
        self._settings: Mapping[str, Any] = {"validate": True, "hover": True, "completion": True, "schemaStore": {}}
        self._published: dict[str, list[dict[str, Any]]] = {}
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {
                "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
            },
        }
        root = {"uri": folder.as_uri(), "name": folder.name}
        self._ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities,
                                 "workspaceFolders": [root]})  # fmt: skip
        self._tell("initialized", {})
        settings = folder / ".vscode/settings.json"
        told = json.loads(settings.read_text()) if settings.is_file() else {}
        self._settings = {
            "validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False},
            "schemas": told.get("yaml.schemas", {}),
        }  # fmt: skip
        self._tell("workspace/didChangeConfiguration", {"settings": {"yaml": self._settings}})

    def close(self) -> None:
        """Leave as an editor does."""
        self._ask("shutdown", None)
        self._tell("exit", None)
        self._process.wait(timeout=30)

    def problems(self, file: str, text: str) -> list[tuple[int, str]]:
        """(line, what is wrong) of a file as it is being typed."""
        uri = self._open(file, text)
        while uri not in self._published:
            self._read()
        return [(one["range"]["start"]["line"] + 1, one["message"]) for one in self._published[uri]]

    def hover(self, file: str, text: str) -> str:
        """What a bubble says over the place marked with `|` in the text."""
        uri, position = self._at(file, text)
        while uri not in self._published:  # then it has read the schema, too
            self._read()
        found = self._ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
        contents = found["contents"] if found else ""
        return contents["value"] if isinstance(contents, dict) else str(contents)

    def complete(self, file: str, text: str) -> dict[str, str]:
        """What is offered at the place marked with `|`: word -> its explanation."""
        uri, position = self._at(file, text)
        found = self._ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        return {one["label"]: _text(one.get("documentation", "")) for one in found["items"]}

    # --- the protocol -------------------------------------------------------------------------------------------------
    def _at(self, file: str, text: str) -> tuple[str, dict[str, int]]:
        before, _, after = text.partition("|")
        line = before.count("\n")
        return self._open(file, before + after), {"line": line, "character": len(before) - (before.rfind("\n") + 1)}

    def _open(self, file: str, text: str) -> str:
        self._version += 1
        place = self.folder / file
        if "$schema=" in text:  # a path from the file's own folder: only its name may differ
            place = place.with_stem(f"{place.stem}-{self._version}")
        else:
            place = self.folder / f"typed-{self._version}" / file
        uri = place.as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": self._version, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def _tell(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def _ask(self, method: str, params: Any) -> Any:
        self._number += 1
        number = self._number
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message.get("result")

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps(message).encode()
        out = _there(self._process.stdin)
        out.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        out.flush()

    def _read(self) -> dict[str, Any]:
        """The next message; what the server asks is answered on the way."""
        source, length = _there(self._process.stdout), 0
        while (line := source.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(source.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._published[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            asked = message["params"].get("items", []) if isinstance(message.get("params"), dict) else []
            result = [self._settings if one.get("section") == "yaml" else None for one in asked] or None
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        return message


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _text(documentation: Any) -> str:
    return documentation["value"] if isinstance(documentation, dict) else str(documentation)
