"""`webintel user`."""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.accounts.models import User
from webintel.accounts.roles import Role
from webintel.accounts.schemas import NewUser, UserChange
from webintel.accounts.services import UserService
from webintel.commands.configuration import settings_for
from webintel.db import create_database
from webintel.db.outage import is_outage, is_read_only
from webintel.problems import Problem

Result = TypeVar("Result")

GENERATE = click.option("--generate", is_flag=True, help="Make a random password and print it.")


@click.group()
def command() -> None:
    """Manage the people who may sign in."""


@command.command()
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.VIEWER.value, show_default=True)
@click.option("--name", default="", help="How to call the person.")
@GENERATE
def add(email: str, role: str, name: str, generate: bool) -> None:
    """Add a person; the password is asked for, or read from standard input."""
    password = choose_password(generate=generate)
    data = convert({"email": email, "role": role, "name": name, "password": password}, NewUser)
    run(lambda session: UserService(session=session).add(data))
    click.echo(f"Added {email.lower()} as {role}.")
    tell(password, generate=generate)


@command.command("list")
def list_people() -> None:
    """List people, oldest first."""
    people = run(lambda session: session.scalars(select(User).order_by(User.id)))
    for user in people:
        state = "active" if user.is_active else "disabled"
        click.echo(f"{user.email}\t{user.role}\t{state}\t{user.name}")


@command.command()
@click.argument("email")
@GENERATE
def password(email: str, generate: bool) -> None:
    """Set a person's password; every sign-in of theirs ends."""
    new_password = choose_password(generate=generate)
    change(email, password=new_password)
    click.echo(f"The password of {email.lower()} is changed.")
    tell(new_password, generate=generate)


@command.command()
@click.argument("email")
def disable(email: str) -> None:
    """Keep a person out; nothing is deleted."""
    change(email, is_active=False)
    click.echo(f"{email.lower()} can no longer sign in.")


@command.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let a disabled person in again."""
    change(email, is_active=True)
    click.echo(f"{email.lower()} can sign in again.")


def change(email: str, **fields: object) -> None:
    """Change the person of an address."""
    data = convert(fields, UserChange)

    async def find_and_change(session: AsyncSession) -> User:
        users = UserService(session=session)
        return await users.change((await users.by_email(email)).id, data)

    run(find_and_change)


def choose_password(*, generate: bool) -> str:
    """Make a password, ask for one, or read one from a pipe."""
    if generate:
        return secrets.token_urlsafe(15)
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def tell(secret: str, *, generate: bool) -> None:
    """Show a password that only we know."""
    if generate:
        click.echo(f"Password: {secret}")


def convert(fields: dict[str, object], kind: Any) -> Any:
    """Check input as the API does."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise click.ClickException(f"{str(error).replace('`$.', '`')}.") from error


def run(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Do something in one transaction."""
    settings = settings_for(database=True)

    async def in_transaction() -> Result:
        async with create_database(settings, role="user") as database, database.transaction() as session:
            return await work(session)

    try:
        return asyncio.run(in_transaction())
    except Problem as error:
        raise click.ClickException(error.detail) from error
    except Exception as error:
        if is_read_only(error):
            raise click.ClickException("The database is read-only: use the primary's WEBINTEL_DATABASE_URL.") from error
        if is_outage(error):
            raise click.ClickException("The database does not answer: check WEBINTEL_DATABASE_URL.") from error
        raise
