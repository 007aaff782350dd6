"""Serves the demo's portal in its container: settings from the stack's, secrets from the files that `init` made."""

import base64

import portal
from settings import DASHBOARDS, SECRETS, origin


def main() -> None:
    """Serves it on every address of the container, whose one network only Envoy is on."""
    secrets = {name: (SECRETS / name).read_text() for name in ("key", "bokeh", "flask", "people")}
    portal.serve(
        {
            "port": 5000, "origin": origin("portal"), "key_id": "portal-2026-11",
            "users": dict(line.split() for line in secrets["people"].splitlines()),
            "key_hex": base64.urlsafe_b64decode(secrets["key"] + "=").hex(),
            "flask_secret": secrets["flask"], "bokeh_secret": secrets["bokeh"],
            "dashboards": {
                name: {
                    "title": title, "about": about, "origin": origin(name), "audience": origin(name) + "/",
                    "start": start, "bokeh": bokeh,
                }
                for name, (title, about, start, bokeh) in DASHBOARDS.items()
            },
        },
        "0.0.0.0",
    )


if __name__ == "__main__":
    main()
