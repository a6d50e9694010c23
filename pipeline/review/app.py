"""The review desk as an ASGI application: the pages in PAGES, the static files, and the walls around them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline.core.i18n import _, language
from pipeline.review import (
    accounts,
    claims,
    daily,
    item,
    metrics,
    overview,
    quality,
    queue,
    search,
    signin,
    spreading,
    trail,
)
from pipeline.review.cookies import Cookies
from pipeline.review.guard import PAGES, endpoint, http_error
from pipeline.review.templating import Asset, build_templates, load_assets
from pipeline.review.traffic import Traffic
from pipeline.review.walls import Walls, set_headers
from pipeline.workplace import Workplace

MODULES = (signin, queue, item, spreading, search, claims, overview, quality, daily, trail, accounts, metrics)
"""The modules that put pages into PAGES by being imported."""

_FOR_EVER = "public, max-age=31536000, immutable"  # an asset's address changes with its content


def build_app(place: Workplace) -> Starlette:
    """The desk of a workplace."""
    review, office = place.settings.review, place.settings.office
    secure = review.public_address.startswith("https:")
    assets = load_assets()

    async def fault(_request: Request, _error: Exception) -> Response:
        """The last resort, outside the walls: no page, no details."""
        with language(office.language):
            response = PlainTextResponse(_("An error in the program"), 500)
        set_headers(response.headers, secure=secure)
        return response

    app = Starlette(
        routes=[
            *(Route(info.path, endpoint(info), methods=[info.method], name=info.name) for info in PAGES),
            Route("/static/{version}/{name:path}", _static(assets)),
        ],
        middleware=[Middleware(Walls, review=review, office_language=office.language)],
        exception_handlers={HTTPException: http_error, Exception: fault},
    )
    app.router.redirect_slashes = False
    app.state.place = place
    app.state.cookies = Cookies(secure)
    app.state.templates = build_templates(place.settings, assets)
    app.state.seen = {}
    app.state.traffic = Traffic()
    app.state.traffic.registry.register(metrics.State(place))
    app.state.metrics_token = metrics.metrics_token(review)
    return app


def _static(assets: dict[str, Asset]) -> Callable[[Request], Awaitable[Response]]:
    async def file(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None or asset.version != request.path_params["version"]:
            raise HTTPException(404)
        return Response(asset.body, media_type=asset.type, headers={"Cache-Control": _FOR_EVER})

    return file
