"""The portal's pages. Plain HTML forms, no script: what a browser does with them is what the demo shows."""

from flask import render_template_string

BASE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{% if refresh %}<meta http-equiv="refresh" content="{{ refresh }}">{% endif %}
<title>{{ title }}</title>
<style nonce="{{ nonce }}">
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
section { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem; padding: 0 1.25rem 1.25rem; margin: 1rem 0; }
label { display: block; margin: .75rem 0 .25rem; }
input { font: inherit; padding: .4rem .6rem; width: 100%; box-sizing: border-box; }
button { font: inherit; padding: .45rem 1.1rem; margin: .75rem .75rem 0 0; cursor: pointer; }
.alert { border-left: .3rem solid #c62828; padding-left: .75rem; }
.quiet form { display: inline; }
small { opacity: .75; }
</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
BODY
</main>
</body>
</html>
"""

LOGIN = """
{% if wanted %}<p>Sign in to open <strong>{{ dashboards[wanted].title }}</strong>.</p>{% endif %}
{% if message %}<p class="alert" role="alert">{{ message }}</p>{% endif %}
<form method="post" action="/login">
<input type="hidden" name="csrf" value="{{ csrf }}">
{% if wanted %}<input type="hidden" name="dashboard" value="{{ wanted }}"><input type="hidden" name="next" value="{{ path }}">{% endif %}
<label for="user">Name</label><input id="user" name="user" autocomplete="username" required autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button id="sign-in">Sign in</button>
</form>
<section class="quiet" aria-labelledby="leave">
<h2 id="leave">Still connected somewhere?</h2>
<p>Signing out here leaves the dashboards' own sessions alone. End them one by one:</p>
{% for name, entry in dashboards.items() %}
<form method="post" action="{{ entry.origin }}/.dashgate/logout"><button id="leave-{{ name }}">Sign out of {{ entry.title }}</button></form>
{% endfor %}
</section>
"""

INDEX = """
<p>Signed in as <strong id="user">{{ user }}</strong>.</p>
{% for pass in passes %}
<section aria-labelledby="title-{{ pass.name }}">
<h2 id="title-{{ pass.name }}">{{ pass.title }}</h2>
<p>{{ pass.about }}{% if pass.name == wanted %} <strong>You were on your way here.</strong>{% endif %}</p>
<form method="post" action="{{ pass.url }}">
<input type="hidden" name="token" value="{{ pass.token }}">
<input type="hidden" name="next" value="{{ pass.next }}">
<button id="connect-{{ pass.name }}">Connect</button>
<a id="link-{{ pass.name }}" href="{{ pass.link }}">connect link</a>
</form>
</section>
{% endfor %}
{% if own is not none %}
<section aria-labelledby="title-runs">
<h2 id="title-runs">TensorBoards of your own</h2>
<p>Each runs on a port of its own, and only your sessions lead there: two at most.</p>
{% for run in own %}
<p class="quiet">
<strong>{{ run.id }}</strong>
{% if run.ready %}
<form method="post" action="{{ run.url }}">
<input type="hidden" name="token" value="{{ run.token }}">
<input type="hidden" name="next" value="{{ run.next }}">
<button id="connect-{{ run.id }}" class="connect-run">Connect</button>
</form>
{% else %}<small>is starting …</small>{% endif %}
<form method="post" action="/runs/{{ run.id }}/stop"><input type="hidden" name="csrf" value="{{ csrf }}"><button>Stop</button></form>
</p>
{% endfor %}
<form method="post" action="/runs"><input type="hidden" name="csrf" value="{{ csrf }}"><button id="start-run">Start one</button></form>
</section>
{% endif %}
<p><small>A pass on this page is good for two minutes; the page renews them by itself.</small></p>
<form method="post" action="/logout">
<input type="hidden" name="csrf" value="{{ csrf }}">
<button id="sign-out">Sign out</button>
</form>
"""

PROBLEM = """
<p class="alert" role="alert">{{ message }}</p>
<p><a href="/">Back to the portal</a></p>
"""

# dashgate takes a pass that is at most 120 seconds old; a page that is left open must not offer an older one.
PASS_REFRESH_SECONDS = 90


def login(nonce: str, csrf: str, wanted: str | None, path: str, message: str, dashboards: dict) -> str:
    """The sign-in page; where somebody was sent here from a dashboard, it says which one."""
    return _page(LOGIN, title="Demo portal", nonce=nonce, csrf=csrf, wanted=wanted, path=path, message=message,
                 dashboards=dashboards)


def index(nonce: str, csrf: str, user: str, passes: list[dict], wanted: str | None, own: list[dict] | None) -> str:
    """The list of dashboards, each with its pass, and the person's own, if the portal starts such. Soon read again while one
    is starting.
    """
    return _page(INDEX, title="Your dashboards", nonce=nonce, csrf=csrf, user=user, passes=passes, wanted=wanted, own=own,
                 refresh=PASS_REFRESH_SECONDS if all(run["ready"] for run in own or []) else 1)


def problem(nonce: str, message: str) -> str:
    """One sentence and the way back."""
    return _page(PROBLEM, title="That did not work", nonce=nonce, message=message)


def _page(body: str, **values) -> str:
    return render_template_string(BASE.replace("BODY", body), **values)
