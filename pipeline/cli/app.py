"""The verbs' root: errors become messages and exit codes here, and nowhere else."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

import click
import structlog

from pipeline.cli import (
    care,
    claims,
    dataset,
    desk,
    drift,
    flow,
    freshness,
    keep,
    kibana,
    look,
    models,
    people,
    reclassify,
    store,
)
from pipeline.core.errors import KentonganError
from pipeline.core.i18n import LANGUAGES, _
from pipeline.core.log import fault_of

# click's own words, so that the catalogue holds them
_CLICK_WORDS = (
    _("Usage:"),
    _("Options"),
    _("Commands"),
    _("Show this message and exit."),
    _("Show the version and exit."),
    _("No such option {name!r}."),
    _("Could not open file {filename!r}: {message}"),
    _("default: {default}"),
    _("No such command {name!r}."),
    _("Missing command."),
    _("Missing argument"),
    _("Missing option"),
    _("{value!r} is not a valid {number_type}."),
    _("{value} is not in the range {range}."),
    _("Option {name!r} does not take a value."),
    _("{name} {filename!r} does not exist."),
    _("{name} {filename!r} is a directory."),
    _("Invalid value: {message}"),
    _("Invalid value for {param_hint}: {message}"),
    _("Try '{command} {option}' for help."),
)


@click.group(
    help=_(
        "Kentongan: early signals of hoaxes and hate speech around elections, for people to decide.\n\n"
        "Example: kentongan run --input posts.csv"
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--lang", type=click.Choice(LANGUAGES), help=_("Language of the messages."))
@click.version_option(package_name="kentongan", prog_name="kentongan")
@click.pass_context
def app(context: click.Context, lang: str | None) -> None:
    """The root of all verbs; what was said before the verb holds for it, as its own option does."""
    context.obj = lang


for _verb in (
    *flow.VERBS,
    *claims.VERBS,
    *look.VERBS,
    *models.VERBS,
    *dataset.VERBS,
    *drift.VERBS,
    *freshness.VERBS,
    *reclassify.VERBS,
    *desk.VERBS,
    *people.VERBS,
    *keep.VERBS,
    *care.VERBS,
    *store.VERBS,
    *kibana.VERBS,
):
    app.add_command(_verb)


def call(arguments: Sequence[str]) -> int:
    """Run the verb and return the exit code; no traceback ever reaches a user (`-vv` logs where it was)."""
    try:
        result = app.main(list(arguments), prog_name="kentongan", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except KentonganError as error:
        click.echo(_("Error: {message}").format(message=error), err=True)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away: nothing to say
        return 0
    except OSError as error:
        click.echo(_("Error: {message}").format(message=_os_message(error)), err=True)
        return 1
    except Exception as error:
        structlog.get_logger().debug("internal_error", **fault_of(error))
        text = _("internal error ({name}); run again with -vv and send the log to the maintainers")
        click.echo(_("Error: {message}").format(message=text.format(name=type(error).__name__)), err=True)
        return 1
    return result if isinstance(result, int) else 0


def _os_message(error: OSError) -> str:
    name = f"{error.filename}: " if error.filename else ""
    text = f"{name}{error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{text}; {_('make room on the disk, then run again')}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{text}; {_('check owner and rights')}"
    return text
