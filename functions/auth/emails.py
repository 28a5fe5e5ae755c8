"""Email addresses, by the rules of the email-validator library."""

import email_validator
from email_validator import EmailNotValidError, validate_email

from functions.shared.errors import InvalidField

# Addresses at names reserved for tests or private networks are accepted: no mail is sent here.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
# RFC 3696, erratum 1690. The library checks it last; normalising Unicode before that takes seconds for a run of accents
# as long as a body may be (its time grows with the square).
MAX_ADDRESS = 254


def parse_email(value: object) -> str:
    """Return the address, stripped of surrounding space.

    Raises:
        InvalidField: it is not an email address.
    """
    try:
        return validate_email(_text(value), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidField("Email must be valid") from error


def _text(value: object) -> str:
    if not isinstance(value, str) or len(text := value.strip()) > MAX_ADDRESS:
        raise InvalidField("Email must be valid")
    return text
