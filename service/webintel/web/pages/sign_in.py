"""Logging in and out."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody

from webintel.problems import Problem
from webintel.web.flash import Tone
from webintel.web.returning import SIGN_IN, safe_path
from webintel.web.views.accounts import Tokens
from webintel.web.visit import Visit


class SignInForm(msgspec.Struct):
    """Who one is, and where one was."""

    email: str = ""
    password: str = ""
    next: str = ""


@get(SIGN_IN, sync_to_thread=False)
def form(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the form; who has signed in already goes on."""
    then = safe_path(visit.request.query_params.get("next"))
    if visit.session.signed_in:
        return visit.redirect(then)
    return visit.open_page("sign_in/form.html", then=then, email="", problem=None)


@post(SIGN_IN)
async def log_in(visit: NamedDependency[Visit], data: URLEncodedBody[SignInForm]) -> Response[Any]:
    """Sign in, and go back to where one was."""
    then = safe_path(data.next)
    body = {"email": data.email.strip(), "password": data.password}
    try:
        tokens = await visit.anonymous_api.post("/api/v1/auth/login", Tokens, body)
    except Problem as problem:
        return visit.open_page(
            "sign_in/form.html", status_code=problem.status, then=then, email=data.email, problem=problem
        )
    visit.session.begin(tokens)
    return visit.redirect(then)


@post("/logout")
async def log_out(visit: NamedDependency[Visit]) -> Response[Any]:
    """End the sign-in, in the API too if it answers."""
    refresh_token = visit.session.refresh_token
    visit.session.end()
    message, tone = "You have signed out.", Tone.GOOD
    if refresh_token:
        try:
            await visit.anonymous_api.call("POST", "/api/v1/auth/logout", body={"refresh_token": refresh_token})
        except Problem:
            message = "You have signed out of this browser; the API could not be told and forgets the sign-in later."
            tone = Tone.INFO
    return visit.redirect(SIGN_IN, message, tone)


ROUTES = [form, log_in, log_out]
