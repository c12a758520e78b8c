"""What needs no key: the API document, the page that shows it, the schema of rules, the meanings of problems, and the
health check.

Everything is served from here; no page loads anything from another host, and its headers forbid it.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Flask, Response, render_template_string, request
from flask_swagger_ui import get_swaggerui_blueprint
from werkzeug.exceptions import NotFound

from app.analysis.findings import CODES as ANALYSED
from app.rulelang.diagnostics import CODES
from app.rulelang.facts import Catalogue
from app.rulelang.schema import rules_schema
from app.web.auth import ANONYMOUS
from app.web.catalogue import FINDINGS, PROBLEMS
from app.web.json_answers import json_response
from app.web.openapi import RULES_SCHEMA
from app.web.transaction import work

# validatorUrl None: the page would otherwise send the document's address to a public validator.
SWAGGER = {"app_name": "Termline API", "validatorUrl": None, "persistAuthorization": False, "docExpansion": "list"}
ONLY_OURS = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; font-src 'self';"
    " style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)
LAYOUT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }} – Termline</title>
<style>body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }
dt { margin-top: 1rem } dd { margin-left: 0 }</style>
<h1>{{ title }}</h1>
{% if text %}<p>{{ text }}</p><p>Code: <code>{{ code }}</code></p><p><a href="/problems">All problems</a></p>
{% else %}<p>Every refusal of the API has one of these codes.</p><dl>
{% for code, meaning in problems.items() %}<dt><a href="/problems/{{ code }}"><code>{{ code }}</code></a> {{ meaning.title }}</dt>
<dd>{{ meaning.text }}</dd>
{% endfor %}</dl><h2>Entries of <code>errors</code></h2><dl>
{% for code, text in findings.items() %}<dt><code>{{ code }}</code></dt><dd>{{ text }}</dd>
{% endfor %}</dl>{% endif %}
</html>"""


def register(app: Flask, document: dict[str, Any], catalogue: Catalogue) -> None:
    """Add the pages to the application."""
    pages = Blueprint("pages", __name__)
    written = orjson.dumps(document)
    rules = orjson.dumps(rules_schema(catalogue))

    @pages.get("/openapi.json")
    def openapi() -> Response:
        return Response(written, content_type="application/json")

    @pages.get(RULES_SCHEMA)
    def rules_as_schema() -> Response:
        response = Response(rules, content_type="application/schema+json")
        # Editors keep it, and ask after an hour whether there is another one: it changes with a release only.
        response.cache_control.public, response.cache_control.max_age = True, 3600
        response.add_etag()
        response.make_conditional(request)
        return response

    @pages.get("/healthz")
    def healthz() -> Response:
        with work(ANONYMOUS) as ctx:
            ctx.session.connection()
        return json_response({"status": "ok"})

    pages.add_url_rule("/problems", view_func=problem_index)
    pages.add_url_rule("/problems/<code>", view_func=problem_page)
    app.register_blueprint(pages)
    app.register_blueprint(get_swaggerui_blueprint("/docs", "/openapi.json", config=SWAGGER))
    app.after_request(_keep_to_us)


def problem_index() -> str:
    """Show all codes."""
    return render_template_string(LAYOUT, title="Problems", problems=PROBLEMS, findings=FINDINGS | CODES | ANALYSED)


def problem_page(code: str) -> str:
    """Show what one code means."""
    meaning = PROBLEMS.get(code)
    if meaning is None:
        raise NotFound
    return render_template_string(LAYOUT, title=meaning.title, text=meaning.text, code=code)


def _keep_to_us(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", ONLY_OURS)
    return response
