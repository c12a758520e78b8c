"""A test client that sends keys by role and holds every answer against the API document."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from app.access.operations.create_key import create_key
from app.partners.operations.create_partner import create_partner
from app.runtime import Runtime
from app.store.models import Partner
from app.web.routing import openapi_path


class Keys:
    """One API key for each role and name."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._secrets: dict[str, str] = {}

    def of(self, role: str, name: str | None = None) -> str:
        """Return the secret of a key with this role, by the name of the role unless another is given.

        A partner's key is that of the partner of the same name, which is created where there is none.
        """
        name = name or role
        if name not in self._secrets:
            with self.runtime.work("tester") as ctx:
                partner = name if role == "partner" else None
                if partner is not None and ctx.session.get(Partner, partner) is None:
                    create_partner(ctx, id=partner)
                self._secrets[name] = create_key(ctx, role=role, name=name, partner=partner)[1]
        return self._secrets[name]


class ApiClient:
    """Calls the API in a role."""

    def __init__(self, app: Flask, keys: Keys, role: str = "admin", name: str | None = None) -> None:
        self.app, self.keys, self.role, self.name = app, keys, role, name
        self.document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()

    def as_(self, role: str, name: str | None = None) -> ApiClient:
        """Return a client with another key."""
        return ApiClient(self.app, self.keys, role, name)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """GET with the key."""
        return self.open("get", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        """POST with the key; `json` is data, `data` is bytes as they are."""
        return self.open("post", path, **({"json": json} if json is not None else {}), **kwargs)

    def put(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        """PUT with the key."""
        return self.open("put", path, **({"json": json} if json is not None else {}), **kwargs)

    def open(
        self, method: str, path: str, *, headers: dict[str, str | None] | None = None, **kwargs: Any
    ) -> TestResponse:
        """Call, and check that the answer is one the document has. Where it wants an Idempotency-Key, a new one is sent,
        unless `headers` has one; a header that is None is not sent."""
        key = self.keys.of(self.role, self.name)
        given = {"Authorization": f"Bearer {key}", **self._required(method, path), **(headers or {})}
        sent = {name: value for name, value in given.items() if value is not None}
        response = self.app.test_client().open(path, method=method.upper(), headers=sent, **kwargs)
        self._check(method, response)
        return response

    def template(self, method: str, path: str) -> str | None:
        """Return the documented path that a path is an instance of."""
        with self.app.test_request_context(path, method=method) as asked:
            rule = asked.request.url_rule
        return None if rule is None else openapi_path(rule.rule)

    def _required(self, method: str, path: str) -> dict[str, str | None]:
        template = self.template(method, path.partition("?")[0])
        operation = self.document["paths"].get(template, {}).get(method, {})
        names = [parameter["name"] for parameter in operation.get("parameters", []) if parameter.get("required")]
        return {name: uuid.uuid4().hex for name in names if name == "Idempotency-Key"}

    def _check(self, method: str, response: TestResponse) -> None:
        template = self.template(method, response.request.path)
        if template is None or method not in self.document["paths"].get(template, {}):
            return
        documented = self.document["paths"][template][method]["responses"]
        assert str(response.status_code) in documented, (method, template, response.status_code, response.text)
        for name, header in documented[str(response.status_code)]["headers"].items():
            about = self.document["components"]["headers"][header["$ref"].rpartition("/")[2]]
            assert name in response.headers or not about.get("required"), (name, template, response.status_code)
            if name in response.headers:
                Draft202012Validator(about["schema"]).validate(response.headers[name])
        content = documented[str(response.status_code)].get("content")
        if content is None:
            assert response.data == b""
            return
        assert response.mimetype in content, (response.mimetype, template)
        if response.is_json:
            schema = {**content[response.mimetype]["schema"], "components": self.document["components"]}
            Draft202012Validator(schema).validate(response.get_json())
