"""The OpenAPI document and Swagger UI from the package's own files: no CDN, no inline script."""

from importlib.resources import files

import orjson
from flask import Flask, Response, current_app

from budgetbuddy.api._spec import openapi_document
from budgetbuddy.problems import NotFound

OPENAPI_PATH = "/openapi.json"
PAGE_PATH = "/swagger-ui.html"
ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui-standalone-preset.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>BudgetBuddy API</title>
<link rel="icon" type="image/png" href="/swagger-ui/favicon-32x32.png">
<link rel="stylesheet" href="/swagger-ui/swagger-ui.css">
<script src="/swagger-ui/swagger-ui-bundle.js" defer></script>
<script src="/swagger-ui/swagger-ui-standalone-preset.js" defer></script>
<script src="/swagger-ui/init.js" defer></script>
</head>
<body><div id="swagger-ui"></div></body>
</html>
"""
INIT = f"""window.addEventListener("DOMContentLoaded", () => {{
  window.ui = SwaggerUIBundle({{
    url: "{OPENAPI_PATH}",
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: "BaseLayout",
  }});
}});
"""


def register_documents(app: Flask) -> None:
    """Public, and never in production."""
    app.add_url_rule(OPENAPI_PATH, "openapi_document", _document)
    app.add_url_rule(PAGE_PATH, "swagger_ui", _page)
    app.add_url_rule("/swagger-ui/<name>", "swagger_ui_asset", _asset)


def _document() -> Response:
    return Response(orjson.dumps(openapi_document(current_app)), mimetype="application/json")


def _page() -> Response:
    return _file(PAGE.encode(), "text/html; charset=utf-8")


def _asset(name: str) -> Response:
    if name == "init.js":
        return _file(INIT.encode(), "text/javascript; charset=utf-8")
    if name not in ASSETS:
        raise NotFound
    return _file(files("flask_swagger_ui").joinpath("dist", name).read_bytes(), ASSETS[name])


def _file(content: bytes, content_type: str) -> Response:
    response = Response(content, content_type=content_type)
    response.headers["Content-Security-Policy"] = POLICY
    return response
