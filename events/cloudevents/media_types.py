"""Media types (RFC 2046): the content types of messages and the data content types of events."""

import re
from functools import lru_cache

from msgspec import Struct

from events.cloudevents.errors import MalformedEventError

JSON_FORMAT = "application/cloudevents+json"

_EVENT_FORMATS = "application/cloudevents"
_UTF8 = "utf-8"
_ASCII = "us-ascii"
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 RFC 9110's word
_MEDIA_TYPE = re.compile(rf"({_TOKEN}/{_TOKEN})( *;[\x20-\x7e]*)?(?<! )")
_CHARSET = re.compile(rf""";\s*charset\s*=\s*"?({_TOKEN})""", re.IGNORECASE)

_ALIASES = {"utf8": _UTF8, "ascii": _ASCII, "latin1": "iso-8859-1"}

# Character sets in which a string of the JSON format can be encoded; Python has codecs that are not charsets.
_ENCODINGS = re.compile(
    "utf-(8|16|32)|utf-(16|32)[bl]e|us-ascii|iso-8859-[0-9]{1,2}|windows-125[0-8]|koi8-[ru]|shift_jis|euc-(jp|kr)"
    "|iso-2022-jp|gb2312|gbk|gb18030|big5"
)


class MediaType(Struct, frozen=True):
    """`essence` is `type/subtype`, `charset` the parameter, both in lower case; `charset` is UTF-8 if there is none."""

    essence: str
    charset: str = _UTF8

    @property
    def is_json(self) -> bool:
        """Tell whether content of this type is JSON."""
        return self.essence.endswith(("/json", "+json"))

    def encode(self, text: str) -> bytes:
        """Return text in the charset. Raises MalformedEventError if that is unknown or lacks a character."""
        if not _ENCODINGS.fullmatch(self.charset):
            raise MalformedEventError(f"charset {self.charset[:64]!r} is not supported for text; send data_base64")
        try:
            return text.encode(self.charset)
        except (LookupError, UnicodeError) as error:
            raise MalformedEventError(f"data has characters that are not in charset {self.charset}") from error

    def decode(self, data: bytes) -> str | None:
        """Return the text of which `encode` makes the same bytes; None where that is not certain."""
        if self.charset not in {_UTF8, _ASCII}:
            return None
        try:
            return data.decode(self.charset)
        except UnicodeError:
            return None


def announces_event(content_type: str) -> bool:
    """Tell whether content is a whole CloudEvent, or several, of any format, as receivers recognise it."""
    return content_type.strip().lower().startswith(_EVENT_FORMATS)


@lru_cache(maxsize=256)
def media_type(text: str) -> MediaType:
    """Parse a content type. Raises MalformedEventError."""
    found = _MEDIA_TYPE.fullmatch(text)
    if found is None:
        raise MalformedEventError(f"datacontenttype {text[:64]!r} is not a media type")
    charset = _CHARSET.search(found[2] or "")
    if charset is None:
        return MediaType(found[1].lower())
    return MediaType(found[1].lower(), _ALIASES.get(charset[1].lower(), charset[1].lower()))
