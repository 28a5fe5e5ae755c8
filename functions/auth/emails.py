"""What counts as an email address: the rules of the email-validator library."""

import email_validator
from email_validator import EmailNotValidError, validate_email

from functions.shared.errors import InvalidField

# Whether mail reaches a name reserved for tests or a private network is for the mail to find out.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
# Of an address (RFC 3696, erratum 1690). The library looks at it last, and what it does first takes seconds for some
# texts that are as long as a body may be: Unicode's normal form takes the square of a run of accents.
MOST_CHARACTERS = 254


def parse_email(value: object) -> str:
    """The address, stripped of surrounding space."""
    try:
        return validate_email(_text(value), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidField("Email must be valid") from error


def _text(value: object) -> str:
    if not isinstance(value, str) or len(text := value.strip()) > MOST_CHARACTERS:
        raise InvalidField("Email must be valid")
    return text
