"""What counts as an email address: the rules of the email-validator library."""

import email_validator
from email_validator import EmailNotValidError, validate_email

from functions.shared.errors import InvalidField

# Whether mail reaches a name reserved for tests or a private network is for the mail to find out.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def parse_email(value: object) -> str:
    """The address, stripped of surrounding space."""
    try:
        return validate_email(_text(value), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidField("Email must be valid") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidField("Email must be valid")
    return value.strip()
