"""A real browser without a window: clicks, key presses, and all that a page says or asks for.

Chromium is told what to do by its DevTools protocol, through two pipes. That takes no library. Each
message is JSON and ends with a zero byte.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 300  # seconds, of which a machine that is not busy takes few
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # for root, as in continuous integration
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # WebGL without a graphics card
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
)
KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    "Backspace": 8,
}
LOCAL = ("file:", "data:", "blob:", "about:")


def program() -> str | None:
    """Path of a browser that these tests can use; None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """One tab of a browser. It ends with `close`.

    Attributes:
        problems: what went wrong in the page: errors and warnings in its console.
        requests: addresses that were asked for outside this machine's files.
    """

    def __init__(self, folder: Path) -> None:
        ours, theirs = _pipes()
        command = [program(), *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(
            command,
            preexec_fn=lambda: [os.dup2(end, fd) for end, fd in zip(theirs, (3, 4), strict=True)],
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in theirs:
            os.close(end)
        self._write, self._read = ours
        self._held, self._number, self._session = b"", 0, None
        self.problems: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Result of a command of the protocol. What happens meanwhile is noted."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def open(self, address: str, ready: str) -> None:
        """Go to an address and wait until the expression `ready` is true there."""
        self.problems.clear()
        self.requests.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        self.wait(ready)

    def reload(self, ready: str) -> None:
        self.evaluate("window.isBefore = true")
        self.call("Page.reload")
        self.wait(f"!window.isBefore && ({ready})")

    def evaluate(self, expression: str) -> Any:
        """Value of an expression in the page; the value of a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, (expression, answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true in the page."""
        end = time.monotonic() + PATIENCE
        while not self.evaluate(
            f"(() => {{ try {{ return Boolean({expression}) }} catch {{}} }})()"
        ):
            assert time.monotonic() < end, f"not within {PATIENCE} s: {expression}; {self.problems}"
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def click(self, selector: str) -> None:
        """Move the mouse to the middle of an element and click."""
        self.click_at(
            *self.evaluate(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{ block: "center", behavior: "instant" }});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        )

    def click_at(self, x: float, y: float) -> None:
        """Click at a place in the window, in pixels from its upper left corner."""
        at = {"x": x, "y": y}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **at)
        for kind in ("mousePressed", "mouseReleased"):
            button = {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, **at, **button)

    def press(self, key: str, times: int = 1) -> None:
        """Press a key of `KEYS`, or type one character."""
        named = key in KEYS
        typed = {"Enter": "\r"}.get(key, "" if named else key)
        # Codes of other characters would be those of keys such as Delete.
        plain = key.isascii() and key.isalnum()
        code = KEYS.get(key, ord(key[0].upper()) if plain else 0)
        values = {"key": key, "code": key if named else "", "windowsVirtualKeyCode": code}
        for _ in range(times):
            down = values | ({"text": typed} if typed else {})
            self.call("Input.dispatchKeyEvent", type="keyDown", **down)
            self.call("Input.dispatchKeyEvent", type="keyUp", **values)

    def write(self, text: str) -> None:
        """Type characters where the cursor is."""
        for character in text:
            self.press(character)

    def choose(self, selector: str, label: str) -> None:
        """Choose an option of a list with the arrow keys."""
        found = json.dumps(selector)
        self.evaluate(f"document.querySelector({found}).focus()")
        place = f"""(() => {{ const s = document.querySelector({found});
            return [...s.options].findIndex((o) => o.text === {json.dumps(label)}) - s.selectedIndex
        }})()"""
        steps = self.evaluate(place)
        self.press("ArrowDown" if steps > 0 else "ArrowUp", abs(steps))
        assert self.evaluate(place) == 0, (selector, label)

    def resize(self, width: int, height: int, phone: bool = False) -> None:
        """Size of the window in pixels, or of a phone's screen with touch."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)

    def colour_blind(self, kind: str) -> None:
        """See the page as somebody with `kind` of deficiency; "achromatopsia" is all grey."""
        self.call("Emulation.setEmulatedVisionDeficiency", type=kind)

    def picture(self, path: Path) -> bytes:
        """Write a picture of the window as PNG, and return it."""
        shot = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        path.write_bytes(shot)
        return shot

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            ready, _, _ = select.select([self._read], [], [], PATIENCE)
            assert ready, f"the browser says nothing for {PATIENCE} s"
            part = os.read(self._read, 2**20)
            assert part, "the browser has ended"
            self._held += part
        message, _, self._held = self._held.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        method, values = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(values["exceptionDetails"])[:1000])
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning"):
            self.problems.append(json.dumps(values["args"])[:1000])
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            if values["entry"]["source"] != "rendering":  # the speed of drawing without a card
                self.problems.append(json.dumps(values["entry"])[:1000])
        elif method == "Network.requestWillBeSent":
            address = values["request"]["url"]
            if not address.startswith(LOCAL):
                self.requests.append(address)


def _pipes() -> tuple[list[int], list[int]]:
    """Ends of two pipes: ours to write and read, and the browser's to read and write."""
    (their_read, our_write), (our_read, their_write) = os.pipe(), os.pipe()
    moved = []
    for end in (their_read, their_write):  # away from 3 and 4, where the browser expects them
        moved.append(fcntl.fcntl(end, fcntl.F_DUPFD, 10))
        os.close(end)
    return [our_write, our_read], moved
