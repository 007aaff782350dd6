"""JupyterLab's page as a person uses it: a notebook's cell, a terminal. Each step waits for what it shows."""

from person import Person
from playwright.sync_api import Locator, expect

from jupyterlab_server import NOTEBOOK, RESULT
from stand import until


def notebook_path(base: str, workspace: str) -> str:
    """The notebook in a workspace of its own: Lab keeps the open tabs of each workspace in the server."""
    return f"{base}lab/workspaces/{workspace}/tree/{NOTEBOOK}"


def launcher_path(base: str, workspace: str) -> str:
    """A Lab that shows what can be started."""
    return f"{base}lab/workspaces/{workspace}"


def expect_kernel(person: Person) -> None:
    """Waits until the notebook is drawn and its kernel has said over the WebSocket that it is idle."""
    expect(_cell(person)).to_be_visible()
    expect(person.page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()


def expect_cell_runs(person: Person) -> None:
    """Runs the one cell and waits for what the kernel answers."""
    result = person.page.locator(".jp-OutputArea-output").get_by_text(RESULT, exact=True)
    expect(result).to_have_count(0)
    _cell(person).click()
    person.page.keyboard.press("Shift+Enter")
    expect(result).to_be_visible()


def expect_terminal_answers(person: Person) -> None:
    """Opens a terminal from the launcher, types a command and waits for what the shell answers."""
    received: list[str] = []

    def listen(websocket) -> None:
        websocket.on("framereceived", lambda frame: received.append(str(frame)))

    person.page.on("websocket", listen)
    person.page.locator(".jp-LauncherCard[title='Start a new terminal session']").click()
    person.page.locator(".jp-Terminal-body").click()
    person.page.keyboard.type("echo answer-$((1234 * 5678))\n")
    # The page paints it on a canvas. Each look asks the page something: that is when Playwright hands frames over.
    until(lambda: person.page.evaluate("true") and f"answer-{RESULT}" in "".join(received), "the shell's answer")


def _cell(person: Person) -> Locator:
    return person.page.locator(".jp-CodeCell .cm-content").first
